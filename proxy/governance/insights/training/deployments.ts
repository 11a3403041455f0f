import { randomBytes, randomUUID } from 'node:crypto';
import { randomHex } from '../../../../database/ids.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import {
  type AutoScaling,
  changeDeployment,
  type DeploymentOrder,
  type DeploymentRow,
  insertDeployment,
  listDeployments as listRows,
  requestUndeploy,
} from '../../../../database/training/deployments.ts';
import { findBaseModelOf } from '../../../../database/training/jobs.ts';
import { lockTraining } from '../../../../database/training/lock.ts';
import { sealServingKey } from '../../../../database/training/serving-key.ts';
import type { Caller } from '../../../calls/call.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../context.ts';
import { recorded } from '../../recorded.ts';
import { admitRole } from '../../roles.ts';
import { requireAtMost, requireModelUri, requireTraining, wrong } from './terms.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store' | 'catchUp'>;

export type Deployment = DeploymentRow;

/** What is asked for. */
export interface NewDeployment {
  readonly modelUri: string;
  readonly name: string;
  readonly replicas: number;
  readonly autoScaling?: AutoScaling | undefined;
  readonly resources: Readonly<Record<string, string>>;
}

/**
 * Asks the operator to serve a model, for an admin. Where there is a deployment with the name, it gets the model, pod by
 * pod.
 *
 * @throws {ProxyError} `role_required`, `training_unavailable`, `invalid_request`, `name_taken`,
 * `training_quota_reached`, `store_unavailable`
 */
export async function deploy(context: Context, caller: Caller, asked: NewDeployment): Promise<Deployment> {
  admitRole(caller, 'admin');
  const training = requireTraining(context);
  const { replicas, autoScaling = null, resources, name } = asked;
  const modelUri = requireModelUri(training, 'model_uri', asked.modelUri);
  requireAtMost('replicas', replicas, training.maxReplicas ?? 10);
  if (autoScaling) requireScaling(autoScaling, training.maxReplicas ?? 10);
  requireFreeName(context, name);
  const { snapshot, envelope } = context.inForce();
  const { organizationId } = snapshot;
  await recorded(
    context,
    caller,
    async (db) => {
      await lockTraining(db, organizationId);
      const baseModel = (await findBaseModelOf(db, organizationId, modelUri)) ?? null;
      const order: DeploymentOrder = { modelUri, baseModel, replicas, autoScaling, resources };
      const all = await listRows(db, organizationId);
      const before = all.find((one) => one.name === name);
      if (before) return change(db, organizationId, before, order);
      if (all.length >= (training.maxDeployments ?? 5)) throw tooMany(all.length);
      const deploymentId = `deploy-${new Date().toISOString().slice(0, 10)}-${randomHex(5)}`;
      const key = randomBytes(32).toString('base64url');
      const keySealed = sealServingKey(envelope, { organizationId, deploymentId }, key);
      await insertDeployment(db, organizationId, { ...order, deploymentId, keyId: randomUUID(), name, keySealed });
      return 'created' as const;
    },
    (action) => ({
      action,
      subject: `Deployment/${name}`,
      changes: [{ field: 'deployment.model_uri', after: modelUri }],
    }),
  );
  return findByName(context, name);
}

/** @throws {ProxyError} `role_required`, `store_unavailable` */
export async function listDeployments({ inForce, store }: Context, caller: Caller): Promise<readonly Deployment[]> {
  admitRole(caller, 'analyst');
  return store.run((db) => listRows(db, inForce().snapshot.organizationId));
}

/** By its id or its name. @throws {ProxyError} `role_required`, `deployment_not_found`, `store_unavailable` */
export async function getDeployment(context: Context, caller: Caller, id: string): Promise<Deployment> {
  const found = (await listDeployments(context, caller)).find(({ deploymentId, name }) =>
    [deploymentId, name].includes(id),
  );
  if (!found) throw new ProxyError('deployment_not_found', { param: 'deployment_id' });
  return found;
}

/**
 * Asks the operator for the end of a deployment, for an admin. It gets no more calls within the time to effect.
 *
 * @throws {ProxyError} as `getDeployment`
 */
export async function undeploy(context: Context, caller: Caller, id: string): Promise<Deployment> {
  admitRole(caller, 'admin');
  const { organizationId } = context.inForce().snapshot;
  const { deploymentId, name } = await getDeployment(context, caller, id);
  await recorded(
    context,
    caller,
    (db) => requestUndeploy(db, organizationId, deploymentId),
    (done) => (done ? { action: 'deleted', subject: `Deployment/${name}`, changes: [] } : undefined),
  );
  await context.catchUp();
  const left = (await listDeployments(context, caller)).find((one) => one.deploymentId === deploymentId);
  if (!left) throw new ProxyError('deployment_not_found', { param: 'deployment_id' });
  return left;
}

async function change(db: Queryable, organizationId: string, before: DeploymentRow, order: DeploymentOrder) {
  if (await changeDeployment(db, organizationId, before.deploymentId, order)) return 'changed' as const;
  const message = `The deployment ${JSON.stringify(before.name)} is being deleted; try again when it is gone`;
  throw new ProxyError('name_taken', { param: 'deployment_name', message });
}

async function findByName({ inForce, store }: Context, name: string): Promise<Deployment> {
  const all = await store.run((db) => listRows(db, inForce().snapshot.organizationId));
  const found = all.find((one) => one.name === name);
  if (!found) throw new ProxyError('deployment_not_found');
  return found;
}

/** Calls name a deployment as their model, so nothing else may have the name. */
function requireFreeName({ inForce }: Context, name: string): void {
  const { aliases = [] } = inForce().snapshot.spec.models ?? {};
  if (!aliases.some((alias) => alias.name === name)) return;
  throw wrong('deployment_name', 'must not be an alias in spec.models.aliases');
}

function requireScaling({ minReplicas, maxReplicas }: AutoScaling, most: number): void {
  requireAtMost('auto_scaling.max_replicas', maxReplicas, most);
  requireAtMost('auto_scaling.min_replicas', minReplicas, maxReplicas);
}

function tooMany(count: number): ProxyError {
  const message = `${count} models are deployed, and the organization may have no more; delete one`;
  return new ProxyError('training_quota_reached', { message });
}
