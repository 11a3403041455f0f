import { makeApiClient } from '../../../operator/cluster/kubernetes/api-client.ts';
import { type GroupResult, runChecks } from '../check.ts';
import { apiChecks } from './api-checks.ts';
import { definitionChecks } from './definition-checks.ts';
import { gatherClusterFacts, gatherPreFacts } from './gather.ts';
import type { ImageQuestion } from './images.ts';
import { memberChecks } from './member-checks.ts';
import { operatorChecks } from './operator-checks.ts';
import { podChecks } from './pod-checks.ts';
import { preChecks } from './pre-checks.ts';
import { namespaceChecks, resourceChecks } from './resource-checks.ts';
import { loadKubeConfig, type TargetOptions } from './target.ts';
import { webhookChecks } from './webhook-checks.ts';

export interface ClusterCheckOptions extends TargetOptions {
  readonly namespace: string;
  /** The only namespace that is checked. Absent: the whole installation. */
  readonly scope?: string | undefined;
  readonly ownVersion: string;
  /** Whether to run the checks before an install. */
  readonly pre: boolean;
  /** The images to look for before an install. */
  readonly images?: ImageQuestion;
}

const noQuestion: ImageQuestion = { names: [], pull: false, pullSecrets: [] };

export const preGroups = [apiChecks, memberChecks, preChecks];
export const clusterGroups = [
  ...[apiChecks, definitionChecks, operatorChecks, webhookChecks],
  ...[resourceChecks, podChecks, memberChecks],
];

/** The checks of one namespace, without those of the operator. */
export const namespaceGroups = [apiChecks, namespaceChecks, podChecks, memberChecks];

const requestTimeoutMs = 10_000;

/** Checks a cluster once. @throws Error where the kubeconfig cannot be used */
export async function checkCluster(options: ClusterCheckOptions): Promise<readonly GroupResult[]> {
  const { namespace, scope, ownVersion, pre } = options;
  const client = makeApiClient({ kubeConfig: loadKubeConfig(options), requestTimeoutMs });
  try {
    const gathering = { client, namespace, scope, ownVersion };
    if (pre) return runChecks(preGroups, await gatherPreFacts(gathering, options.images ?? noQuestion));
    return runChecks(scope === undefined ? clusterGroups : namespaceGroups, await gatherClusterFacts(gathering));
  } finally {
    await client.close();
  }
}
