import type { Organization } from '../../crds/resources.generated.ts';
import type { EnforcedTraining } from '../../crds/training.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { trainingLabel } from './names.ts';
import type { TrainingSettings } from './settings.ts';

const type = 'TrainingReady';

/**
 * Judges whether models can be trained and deployed for an Organization.
 *
 * @param settings undefined: the operator has no rights for it
 * @returns undefined where the Organization does not ask for it
 */
export function judgeTraining(
  cluster: Pick<Cluster, 'get'>,
  settings: Pick<TrainingSettings, 'namespaces'> | undefined,
  { metadata, spec }: Pick<Organization, 'metadata' | 'spec'>,
  isOneMachine: boolean,
): Verdict | undefined {
  const { training } = spec;
  if (!training) return undefined;
  const notReady = (reason: string, message: string): Verdict => ({ type, status: false, reason, message });
  const { namespace } = training;
  if (isOneMachine)
    return notReady('TrainingNeedsCluster', 'Models are trained and deployed in a cluster. There is none here.');
  if (!settings?.namespaces.includes(namespace)) {
    const message = `The operator has no rights for training in namespace ${namespace}. The chart value operator.trainingNamespaces gives them.`;
    return notReady('TrainingOff', message);
  }
  const found = cluster.get('Namespace', '', namespace);
  if (!found) return notReady('TrainingNamespaceMissing', `Namespace ${namespace} does not exist. Create it.`);
  if (found.metadata.labels?.[trainingLabel] !== metadata.name) {
    const message = `Namespace ${namespace} does not permit the training of this Organization. Permit it with: kubectl label namespace ${namespace} ${trainingLabel}=${metadata.name}`;
    return notReady('TrainingNamespaceNotPermitted', message);
  }
  const message = `Models are trained and deployed in namespace ${namespace}.`;
  return { type, status: true, reason: 'TrainingReady', message };
}

/** `spec.training` as proxies get it: with the reason why nothing can be trained. */
export function enforceTraining(spec: Organization['spec'], verdict: Verdict | undefined): Organization['spec'] {
  if (!spec.training || !verdict || verdict.status) return spec;
  const training: EnforcedTraining = { ...spec.training, unavailable: verdict.message };
  return { ...spec, training };
}
