import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import type { StoredLogin } from '../../database/organizations.ts';
import type { Queryable } from '../../database/queryable.ts';
import { readServerLimits, type ServerLimits } from '../../database/server-limits.ts';
import type { Verdict } from '../runtime/conditions.ts';

/** The minimum, for a proxy that somebody runs by hand, and pods that are being replaced. */
export const fewestConnections = 20;
/** Two, and a third while many records wait. */
const connectionsOfProxy = 3;
/** The limit changes in steps, so that it is not written for each pod. */
const step = 20;

/**
 * Decides how many connections an organization's proxies may have together.
 *
 * @param sidecars the number of pods with its sidecar; undefined where unknown
 */
export function decideConnections(
  spec: Pick<OrganizationSpec, 'database' | 'gateway'>,
  sidecars: number | undefined,
  login: StoredLogin | undefined,
): number {
  if (spec.database?.connections !== undefined) return spec.database.connections;
  const { replicas = 0, maxReplicas = replicas } = spec.gateway ?? {};
  const present = login?.connectionLimit ?? undefined;
  const needed =
    sidecars === undefined
      ? (present ?? fewestConnections)
      : roundUp(fewestConnections + (sidecars + maxReplicas) * connectionsOfProxy);
  if (!login) return needed;
  // An organization without a limit so far may have proxies that nobody counts. Their current connections go on.
  if (present === undefined) return Math.max(needed, roundUp(2 * login.connections));
  return needed < present && login.connections > needed ? present : needed;
}

function roundUp(count: number): number {
  return Math.ceil(count / step) * step;
}

/** The condition about the limits of the login and the server. Nothing else depends on it. */
export function judgeLimits(
  server: ServerLimits,
  login: StoredLogin | undefined,
  refusal: string | undefined,
): Verdict {
  const type = 'DatabaseLimited';
  if (refusal !== undefined) {
    const message = `The operator may not limit the organization's database role, or end its sessions (${refusal}). The operator's own role must have created it, or have ADMIN OPTION on it.`;
    return { type: 'DatabaseLimited', status: false, reason: 'LimitsRefused', message };
  }
  const { connections, connectionLimit } = login ?? { connections: 0, connectionLimit: null };
  if (connectionLimit !== null && connections >= connectionLimit) {
    const message = `The organization's proxies use all of their ${connectionLimit} connections to the database, so others wait. If that is not a fault, raise spec.database.connections.`;
    return { type: 'DatabaseLimited', status: false, reason: 'ConnectionsExhausted', message };
  }
  const advice = adviseServer(server);
  if (advice.length === 0) {
    return { type, status: true, reason: 'Limited', message: 'No organization can take the database from others.' };
  }
  return { type: 'DatabaseLimited', status: false, reason: 'ServerWithoutLimits', message: advice.join(' ') };
}

function adviseServer({ reservedConnections, limitsTempFiles, maxConnections }: ServerLimits): string[] {
  const reserve = `The server reserves none of its ${maxConnections} connections for the operator, so others can lock it out. Set reserved_connections (PostgreSQL 16 or later) and grant pg_use_reserved_connections to the operator's role.`;
  const files = 'The server does not limit temporary files, so they can fill its disk. Set temp_file_limit.';
  return [...(reservedConnections > 0 ? [] : [reserve]), ...(limitsTempFiles ? [] : [files])];
}

/** Reads the server's limits at most once in `restMs`. */
export function makeServerLimitsReader(db: Queryable, restMs: number): () => Promise<ServerLimits> {
  let last: { readonly limits: Promise<ServerLimits>; readonly atMs: number } | undefined;
  return () => {
    if (last && performance.now() - last.atMs < restMs) return last.limits;
    const limits = readServerLimits(db);
    last = { limits, atMs: performance.now() };
    limits.catch(() => {
      last = undefined;
    });
    return limits;
  };
}
