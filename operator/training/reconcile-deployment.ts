import { findTrainer, isInStores, type TrainingSpec } from '../../crds/training.ts';
import type { Queryable } from '../../database/queryable.ts';
import { toStorable } from '../../database/storable.ts';
import { type DeploymentObservation, type DeploymentRow, noteDeployment } from '../../database/training/deployments.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ApiError } from '../cluster/kubernetes/api-error.ts';
import { isMadeFor as isSecretMadeFor } from '../cluster/owned.ts';
import { servingSecretName } from '../credentials.ts';
import { type AppliedObjects, applyWhereNeeded } from './applied-objects.ts';
import { servedLabel, servingName } from './names.ts';
import type { ObjectPlace, StatefulObject, TrainingObjects } from './objects.ts';
import { observeDeployment, observeInferenceService } from './observe.ts';
import type { TrainingOrganization } from './reconcile-job.ts';
import { makeInferenceService, makeServing, type ServingTerms, servingKey, servingPort } from './serving-objects.ts';
import type { TrainingSettings } from './settings.ts';

export interface ServingContext {
  readonly cluster: Pick<Cluster, 'get' | 'applySecret' | 'deleteSecret'>;
  readonly db: Queryable;
  readonly objects: TrainingObjects;
  readonly settings: TrainingSettings;
  /** What was applied before. */
  readonly applied: AppliedObjects;
  /** Opens what the pods of a deployment ask of their callers. Undefined: the key is lost. */
  readonly openKey: (deployment: StoredDeployment) => string | undefined;
}

export type StoredDeployment = DeploymentRow & { readonly keySealed: Uint8Array };

const kinds = ['HorizontalPodAutoscaler', 'Deployment', 'Service', 'InferenceService'] as const;

/** Makes the objects of an organization's deployments as they are asked for, and notes how they fare. */
export async function reconcileDeployments(
  context: ServingContext,
  organization: TrainingOrganization,
  deployments: readonly StoredDeployment[],
): Promise<void> {
  const most = organization.spec.maxDeployments ?? 5;
  for (const [place, deployment] of deployments.entries()) {
    const seen = await observe(context, organization, deployment, place < most).catch((error: unknown) => {
      if (!(error instanceof ApiError && [400, 403, 422].includes(error.status))) throw error;
      return failed(deployment, `The API server refuses it: ${error.message}`);
    });
    const { status, message, address, readyReplicas } = deployment;
    const storable = { ...seen, message: seen.message === null ? null : toStorable(seen.message) };
    if (JSON.stringify(storable) === JSON.stringify({ status, message, address, readyReplicas })) continue;
    await noteDeployment(context.db, organization.organizationId, deployment.deploymentId, storable);
  }
}

async function observe(
  context: ServingContext,
  organization: TrainingOrganization,
  deployment: StoredDeployment,
  hasPlace: boolean,
): Promise<DeploymentObservation> {
  const { objects, cluster, settings } = context;
  const { spec, owner } = organization;
  const place = placeOf(organization, deployment);
  if (deployment.deleteRequestedAt) return remove(context, organization, deployment);
  const why = hasPlace ? whyRefused(spec, deployment) : 'There are more deployments than spec.training.maxDeployments';
  if (why) return failed(deployment, why);
  const key = context.openKey(deployment);
  if (key === undefined) return failed(deployment, 'The data key of its secret was lost; delete it and deploy it anew');
  const keySecretName = servingSecretName(deployment.name);
  const secret = cluster.get('Secret', place.namespace, keySecretName);
  if (Buffer.from(secret?.data[servingKey] ?? []).toString() !== key) {
    await cluster.applySecret({
      ...{ namespace: place.namespace, name: keySecretName, data: { [servingKey]: key }, ownerUid: owner.uid },
    });
  }
  const terms: ServingTerms = { owner, spec, settings, deployment, keySecretName };
  const current = await objects.find('Deployment', place);
  const podsAre = `${servedLabel}=${deployment.name}`;
  if (!current && (await isForKServe(objects, place))) {
    const applied = await applyWhereNeeded(context, makeInferenceService(terms), owner.uid);
    return typeof applied === 'string'
      ? failed(deployment, applied)
      : observeInferenceService(deployment, applied, await objects.pods(place.namespace, podsAre));
  }
  const applied = await applyServing(context, terms, current);
  if (typeof applied === 'string') return failed(deployment, applied);
  const address = `http://${place.name}.${place.namespace}.svc:${servingPort}/v1`;
  return observeDeployment(deployment, applied, await objects.pods(place.namespace, podsAre), address);
}

/** What was made before KServe came stays what it is, also where somebody has deleted its Deployment. */
async function isForKServe(objects: TrainingObjects, place: ObjectPlace): Promise<boolean> {
  if (!(await objects.has('InferenceService'))) return false;
  if (await objects.find('InferenceService', place)) return true;
  return !(await objects.find('Service', place));
}

/** @returns the Deployment, or what is in its way */
async function applyServing(
  context: ServingContext,
  terms: ServingTerms,
  current: StatefulObject | undefined,
): Promise<StatefulObject | string> {
  const { objects } = context;
  const { owner } = terms;
  let workload: StatefulObject | undefined;
  const wanted = makeServing(terms, current?.spec?.replicas);
  for (const object of wanted) {
    const applied = await applyWhereNeeded(context, object, owner.uid);
    if (typeof applied === 'string') return applied;
    if (object.kind === 'Deployment') workload = applied;
  }
  if (!terms.deployment.autoScaling) {
    const { namespace, name } = wanted[0]?.metadata ?? { namespace: '', name: '' };
    await objects.remove('HorizontalPodAutoscaler', { namespace, name }, owner.uid);
  }
  return workload ?? 'There is no Deployment';
}

/** Proxies have stopped to call it when this begins. */
async function remove(
  { objects, cluster }: ServingContext,
  organization: TrainingOrganization,
  deployment: StoredDeployment,
): Promise<DeploymentObservation> {
  const { owner } = organization;
  const place = placeOf(organization, deployment);
  let isGone = true;
  for (const kind of kinds) {
    if (kind === 'InferenceService' && !(await objects.has(kind))) continue;
    isGone = (await objects.remove(kind, place, owner.uid)) && isGone;
  }
  const name = servingSecretName(deployment.name);
  await cluster.deleteSecret(place.namespace, name, (secret) => isSecretMadeFor(secret, owner.uid));
  const pods = await objects.pods(place.namespace, `${servedLabel}=${deployment.name}`);
  const isOver = isGone && pods.length === 0;
  return { status: isOver ? 'DELETED' : 'DELETING', message: null, address: null, readyReplicas: 0 };
}

/** A row comes from a proxy, which may be in the wrong hands. */
function whyRefused(
  spec: TrainingSpec,
  { modelUri, baseModel, replicas, autoScaling }: DeploymentRow,
): string | undefined {
  if (!isInStores(modelUri, [spec.modelStore])) return `${modelUri} is not in spec.training.modelStore`;
  if (baseModel !== null && !findTrainer(spec, baseModel)) return `spec.training.trainers has no ${baseModel}`;
  const most = spec.maxReplicas ?? 10;
  if (Math.max(replicas, autoScaling?.maxReplicas ?? 0) > most) {
    return `It has more pods than spec.training.maxReplicas (${most})`;
  }
  return undefined;
}

function failed({ address, readyReplicas }: DeploymentRow, message: string): DeploymentObservation {
  return { status: 'FAILED', message, address, readyReplicas };
}

function placeOf({ spec }: TrainingOrganization, { name }: DeploymentRow): ObjectPlace {
  return { namespace: spec.namespace, name: servingName(name) };
}
