import { statementName } from './client.ts';
import type { Queryable } from './queryable.ts';

/** What a caller can store at a provider, besides responses. A response's owner is in its request record. */
export type ResourceKind = 'file' | 'conversation' | 'batch' | 'vector_store';

/** One row of `owned_resources`, as JSON with the names of the columns. */
export interface OwnedResource {
  /** The provider's own id. */
  resource_id: string;
  kind: ResourceKind;
  user_id: string;
  api_key_id: string;
  /** ISO 8601 in UTC. */
  created_at: string;
  deleted_at: string | null;
}

/**
 * Stores a batch of resources and deletions. A deletion is the whole row with `deleted_at`. It is safe to send a batch
 * again.
 *
 * @param resourcesJson a JSON array of OwnedResource, as text
 */
export async function insertOwnedResources(
  db: Queryable,
  organizationId: string,
  resourcesJson: string,
): Promise<void> {
  await db.query({
    name: statementName(db, 'insert-owned-resources'),
    text: `
      insert into chaperone.owned_resources as r
        (organization_id, resource_id, kind, user_id, api_key_id, created_at, deleted_at)
      select distinct on (resource_id)
        $1::uuid, resource_id, kind, user_id, api_key_id, created_at, deleted_at
      from json_to_recordset($2::json) as record (
        resource_id text, kind text, user_id uuid, api_key_id uuid, created_at timestamptz, deleted_at timestamptz)
      order by resource_id, deleted_at nulls last
      on conflict (organization_id, resource_id) do update
        set deleted_at = excluded.deleted_at
        where r.deleted_at is null and excluded.deleted_at is not null`,
    values: [organizationId, resourcesJson],
  });
}

const columns = `resource_id, kind, user_id, api_key_id, created_at, deleted_at`;

interface Row extends Omit<OwnedResource, 'created_at' | 'deleted_at'> {
  readonly created_at: Date;
  readonly deleted_at: Date | null;
}

/** Finds a resource by id, including deleted ones. */
export async function findOwnedResource(
  db: Queryable,
  organizationId: string,
  resourceId: string,
): Promise<OwnedResource | undefined> {
  const { rows } = await db.query<Row>(
    `select ${columns}
     from chaperone.owned_resources
     where organization_id = $1::uuid and resource_id = $2::text`,
    [organizationId, resourceId],
  );
  return rows[0] && toResource(rows[0]);
}

/** Lists the user's resources of a kind, without deleted ones. */
export async function listOwnedResources(
  db: Queryable,
  organizationId: string,
  userId: string,
  kind: ResourceKind,
): Promise<OwnedResource[]> {
  const { rows } = await db.query<Row>(
    `select ${columns}
     from chaperone.owned_resources
     where organization_id = $1::uuid and user_id = $2::uuid and kind = $3::text and deleted_at is null`,
    [organizationId, userId, kind],
  );
  return rows.map(toResource);
}

function toResource(row: Row): OwnedResource {
  return { ...row, created_at: row.created_at.toISOString(), deleted_at: row.deleted_at?.toISOString() ?? null };
}
