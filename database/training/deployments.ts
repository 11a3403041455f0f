import type { Queryable } from '../queryable.ts';

export type DeploymentStatus = 'CREATING' | 'IN_SERVICE' | 'UPDATING' | 'FAILED' | 'DELETING' | 'DELETED';

export interface AutoScaling {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Of the requested processor time, in percent. */
  readonly targetUtilization: number;
}

/** What is to be served, and how. */
export interface DeploymentOrder {
  readonly modelUri: string;
  /** What trained it. Null: not known, so it is served as a model of the built-in trainer. */
  readonly baseModel: string | null;
  readonly replicas: number;
  /** Null: nothing scales it, and there are always `replicas` pods. */
  readonly autoScaling: AutoScaling | null;
  /** Such as `{"cpu": "2", "memory": "4Gi"}`. */
  readonly resources: Readonly<Record<string, string>>;
}

export interface DeploymentRow extends DeploymentOrder {
  readonly deploymentId: string;
  readonly keyId: string;
  /** The model of calls to it. */
  readonly name: string;
  readonly revision: number;
  readonly status: DeploymentStatus;
  readonly message: string | null;
  readonly address: string | null;
  readonly readyReplicas: number;
  readonly deleteRequestedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface DeploymentWrite extends DeploymentOrder, Pick<DeploymentRow, 'deploymentId' | 'keyId' | 'name'> {
  readonly keySealed: Uint8Array;
}

/** What the operator has seen of a deployment. */
export interface DeploymentObservation
  extends Pick<DeploymentRow, 'status' | 'message' | 'address' | 'readyReplicas'> {}

const columns = `deployment_id as "deploymentId", key_id as "keyId", name, model_uri as "modelUri",
  base_model as "baseModel", replicas,
  case when max_replicas is not null then jsonb_build_object('minReplicas', min_replicas, 'maxReplicas', max_replicas,
    'targetUtilization', target_utilization) end as "autoScaling",
  resources, revision, status, message, address, ready_replicas as "readyReplicas",
  delete_requested_at as "deleteRequestedAt", created_at as "createdAt", updated_at as "updatedAt"`;

export async function insertDeployment(db: Queryable, organizationId: string, write: DeploymentWrite): Promise<void> {
  const { deploymentId, keyId, name, modelUri, baseModel, replicas, autoScaling, resources } = write;
  await db.query(
    `insert into chaperone.model_deployments (organization_id, deployment_id, key_id, name, model_uri, base_model,
       replicas, min_replicas, max_replicas, target_utilization, resources, key_encrypted)
     values ($1::uuid, $2::text, $3::uuid, $4::text, $5::text, $6::text, $7::integer, $8::integer, $9::integer,
       $10::integer, $11::jsonb, $12::bytea)`,
    [
      ...[organizationId, deploymentId, keyId, name, modelUri, baseModel, replicas, ...boundsOf(autoScaling)],
      ...[JSON.stringify(resources), write.keySealed],
    ],
  );
}

/** Changes what is wanted of a deployment. @returns whether there is one, and nobody asked for its end */
export async function changeDeployment(
  db: Queryable,
  organizationId: string,
  deploymentId: string,
  { modelUri, baseModel, replicas, autoScaling, resources }: DeploymentOrder,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.model_deployments
     set model_uri = $3::text, base_model = $4::text, replicas = $5::integer, min_replicas = $6::integer,
         max_replicas = $7::integer, target_utilization = $8::integer, resources = $9::jsonb, revision = revision + 1, updated_at = clock_timestamp()
     where organization_id = $1::uuid and deployment_id = $2::text and delete_requested_at is null`,
    [
      ...[organizationId, deploymentId, modelUri, baseModel, replicas, ...boundsOf(autoScaling)],
      JSON.stringify(resources),
    ],
  );
  return rowCount === 1;
}

/** Lists deployments that are not deleted, by name. */
export async function listDeployments(db: Queryable, organizationId: string): Promise<readonly DeploymentRow[]> {
  const { rows } = await db.query<DeploymentRow>(
    `select ${columns} from chaperone.model_deployments
     where organization_id = $1::uuid and deleted_at is null order by name`,
    [organizationId],
  );
  return rows;
}

/** Asks for the end of a deployment. Proxies send it no more calls. @returns whether there was one */
export async function requestUndeploy(db: Queryable, organizationId: string, deploymentId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.model_deployments set delete_requested_at = coalesce(delete_requested_at, clock_timestamp())
     where organization_id = $1::uuid and deployment_id = $2::text and deleted_at is null`,
    [organizationId, deploymentId],
  );
  return rowCount === 1;
}

/** The deployments of all organizations that are not deleted. For the operator. */
export async function listAllDeployments(
  db: Queryable,
): Promise<readonly (DeploymentRow & { readonly organizationId: string; readonly keySealed: Uint8Array })[]> {
  const { rows } = await db.query<DeploymentRow & { organizationId: string; keySealed: Uint8Array }>(
    `select organization_id as "organizationId", key_encrypted as "keySealed", ${columns}
     from chaperone.model_deployments where deleted_at is null order by created_at, deployment_id`,
  );
  return rows;
}

/** Stores what the operator has seen, where that is news. Proxies hear of another address, and of the end. The status comes last. */
export async function noteDeployment(
  db: Queryable,
  organizationId: string,
  deploymentId: string,
  { status, message, address, readyReplicas }: DeploymentObservation,
): Promise<void> {
  const isMoved = `organization_id = $1::uuid and deployment_id = $2::text and deleted_at is null`;
  await db.query(
    `update chaperone.model_deployments set address = $3::text where ${isMoved} and address is distinct from $3::text`,
    [organizationId, deploymentId, address],
  );
  await db.query(
    `update chaperone.model_deployments
     set status = $3::text, message = left($4::text, 1000), ready_replicas = $5::integer
     where ${isMoved} and (status, message, ready_replicas) is distinct from ($3::text, left($4::text, 1000), $5::integer)`,
    [organizationId, deploymentId, status, message, readyReplicas],
  );
  if (status !== 'DELETED') return;
  await db.query(`update chaperone.model_deployments set deleted_at = clock_timestamp() where ${isMoved}`, [
    organizationId,
    deploymentId,
  ]);
}

function boundsOf(scaling: AutoScaling | null) {
  return [scaling?.minReplicas ?? null, scaling?.maxReplicas ?? null, scaling?.targetUtilization ?? null];
}
