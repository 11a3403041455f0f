import type { Queryable } from '../queryable.ts';
import { toStorable } from '../storable.ts';

/** A request to change a resource that an API server has let through to its storage, where it may still fail. */
export interface ResourceRequest {
  /** The resource's. */
  readonly uid: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  /** That the resource has by this request; of a deletion, the one before. */
  readonly generation: number;
  /** SHA-256 of the spec that it has by this request. Empty: it is deleted. */
  readonly digest: Buffer;
  /** The name by which the API server knows who asks. */
  readonly requester: string;
}

export interface KeptRequest extends ResourceRequest {
  readonly at: Date;
}

/**
 * Keeps a request until the operator sees what has come of it. The same request a second time is not kept again, since an
 * API server asks anew where two requests meet. Requests of which nothing has come are removed after a week.
 */
export async function insertResourceRequest(db: Queryable, request: ResourceRequest): Promise<void> {
  const { uid, operation, generation, digest, requester } = request;
  await db.query(
    `with past as (
       delete from chaperone.resource_requests where requested_at < now() - interval '7 days'
     )
     insert into chaperone.resource_requests (uid, operation, generation, digest, requester)
     values ($1::text, $2::text, $3::bigint, $4::bytea, $5::text)
     on conflict on constraint resource_requests_pkey do update set requested_at = excluded.requested_at`,
    [uid, operation, generation, digest, toStorable(requester)],
  );
}

/** Reads the requests about these resources, the oldest first. */
export async function readResourceRequests(db: Queryable, uids: readonly string[]): Promise<KeptRequest[]> {
  const { rows } = await db.query<KeptRequest>(
    `select uid, operation, generation::float8 as generation, digest, requester, requested_at as at
     from chaperone.resource_requests
     where uid = any($1::text[])
     order by requested_at, requester`,
    [uids],
  );
  return rows;
}
