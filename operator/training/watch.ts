import type { Logger } from 'pino';
import type { Organization } from '../../crds/resources.generated.ts';
import { EnvelopeError, makeEnvelope } from '../../database/envelope.ts';
import type { Queryable } from '../../database/queryable.ts';
import { listAllDeployments, noteDeployment } from '../../database/training/deployments.ts';
import { listOpenTrainingJobs, noteTraining } from '../../database/training/jobs.ts';
import { openServingKey } from '../../database/training/serving-key.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { credentialsSecretName, readCredentialsSecret } from '../credentials.ts';
import { startResync } from '../runtime/resync.ts';
import type { AppliedObjects } from './applied-objects.ts';
import { judgeTraining } from './judge.ts';
import type { TrainingObjects } from './objects.ts';
import { reconcileDeployments, type ServingContext, type StoredDeployment } from './reconcile-deployment.ts';
import { reconcileJobs, type TrainingContext, type TrainingOrganization } from './reconcile-job.ts';
import type { TrainingSettings } from './settings.ts';

/** Training and deployment, where the operator may have them. */
export interface TrainingAccess {
  readonly objects: TrainingObjects;
  readonly settings: TrainingSettings;
}

export interface TrainingWatchOptions extends TrainingAccess {
  readonly cluster: Pick<Cluster, 'get' | 'list' | 'applySecret' | 'deleteSecret'>;
  readonly db: Queryable;
  readonly operatorNamespace: string;
  /** Whether the database can be used. */
  readonly isUsable: () => boolean;
  readonly log: Logger;
  /** How often the database and the objects are read. */
  readonly periodMs: number;
}

/**
 * Makes what proxies have asked for, and notes how it fares. Each round reads the rows that are not at their end, and the
 * objects of these: so nothing is missed, whatever was missed before.
 */
export function watchTraining(options: TrainingWatchOptions) {
  const { db, log, isUsable, periodMs } = options;
  const logs = new Map<string, { readonly atMs: number; readonly tail: string }>();
  const applied: AppliedObjects = new Map();
  const round = async () => {
    const jobs = Map.groupBy(await listOpenTrainingJobs(db), ({ organizationId }) => organizationId);
    const deployments = Map.groupBy(await listAllDeployments(db), ({ organizationId }) => organizationId);
    const open = new Set([...jobs.values()].flat().map(({ jobId }) => jobId));
    for (const jobId of logs.keys()) if (!open.has(jobId)) logs.delete(jobId);
    if (deployments.size === 0) applied.clear();
    for (const organizationId of new Set([...jobs.keys(), ...deployments.keys()])) {
      const rows = { jobs: jobs.get(organizationId) ?? [], deployments: deployments.get(organizationId) ?? [] };
      await reconcileOrganization({ ...options, logs, applied }, organizationId, rows).catch((error: unknown) =>
        log.warn({ err: error, organizationId }, 'cannot tend training and served models; it is tried again'),
      );
    }
  };
  return startResync(async () => {
    if (!isUsable()) return;
    await round().catch((error: unknown) => log.warn({ err: error }, 'cannot read what is to be trained and served'));
  }, periodMs);
}

interface OpenRows {
  readonly jobs: Awaited<ReturnType<typeof listOpenTrainingJobs>>;
  readonly deployments: readonly StoredDeployment[];
}

async function reconcileOrganization(
  options: TrainingWatchOptions & Pick<TrainingContext, 'logs'> & Pick<ServingContext, 'applied'>,
  organizationId: string,
  { jobs, deployments }: OpenRows,
): Promise<void> {
  const { cluster, settings, db } = options;
  const organization = cluster.list('Organization').find(({ status }) => status?.id === organizationId);
  // It is being deleted, or not there yet.
  if (!organization || organization.metadata.deletionTimestamp) return;
  const { training } = organization.spec;
  const verdict = judgeTraining(cluster, settings, organization, false);
  if (!training || !verdict?.status) {
    const message = verdict?.message ?? 'The Organization has no spec.training any more';
    await noteUnavailable(db, organizationId, { jobs, deployments }, message);
    return;
  }
  const { name, uid } = organization.metadata;
  const terms: TrainingOrganization = { organizationId, owner: { name, uid }, spec: training };
  await reconcileJobs(options, terms, jobs);
  if (deployments.length === 0) return;
  const openKey = makeKeyOpener(options, organization, organizationId);
  await reconcileDeployments({ ...options, openKey }, terms, deployments);
}

/** What runs goes on, and can be tended again once the reason is gone. What has not begun has failed. */
async function noteUnavailable(
  db: Queryable,
  organizationId: string,
  { jobs, deployments }: OpenRows,
  message: string,
): Promise<void> {
  for (const { jobId, status, message: before } of jobs) {
    const next = status === 'STARTING' ? 'FAILED' : status;
    if (next !== status || before !== message) await noteTraining(db, organizationId, jobId, { status: next, message });
  }
  for (const { deploymentId, ...row } of deployments) {
    if (row.message !== message) await noteDeployment(db, organizationId, deploymentId, { ...row, message });
  }
}

function makeKeyOpener(
  { cluster, operatorNamespace }: Pick<TrainingWatchOptions, 'cluster' | 'operatorNamespace'>,
  { metadata }: Organization,
  organizationId: string,
) {
  const secret = cluster.get('Secret', operatorNamespace, credentialsSecretName(metadata.name));
  const dataKeys = readCredentialsSecret(secret)?.dataKeys;
  const envelope = dataKeys && makeEnvelope(dataKeys);
  return ({ deploymentId, keySealed }: StoredDeployment): string | undefined => {
    try {
      return envelope && openServingKey(envelope, { organizationId, deploymentId }, keySealed);
    } catch (error) {
      if (error instanceof EnvelopeError) return undefined;
      throw error;
    }
  };
}
