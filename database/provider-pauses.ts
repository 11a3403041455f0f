import { configChannel } from './config.ts';
import { deletePast } from './past-rows.ts';
import type { Queryable } from './queryable.ts';

/** A provider, one of its keys, or a model of a key that proxies leave alone for a while. */
export interface ProviderPause {
  /** Names what is left alone, and where the provider is. */
  readonly id: string;
  readonly scope: 'provider' | 'key' | 'model';
  readonly provider: string;
  /** Null where all keys of the provider are. */
  readonly apiKeyId: string | null;
  /** One word about the last failure. */
  readonly reason: string;
  /** How long it still lasts, in milliseconds. */
  readonly remainingMs: number;
}

/** What a notification on an organization's channel says where pauses have changed. */
export const pausesNotice = 'pauses';

/** What lasts longer is told again. */
const longestMs = 3_600_000;
/** A pause that ended less than this ago goes on, where the next call fails, too. */
export const gapMs = 15_000;

/** Writes pauses, and which of them are over, and tells the organization's proxies. A later end wins. */
export async function writePauses(
  db: Queryable,
  organizationId: string,
  pauses: readonly ProviderPause[],
  overIds: readonly string[],
): Promise<void> {
  await db.query(
    `with written as (
       insert into chaperone.provider_pauses as p (organization_id, pause_id, scope, provider, api_key_id, reason, ends_at)
       select $1::uuid, id, scope, provider, "apiKeyId", left(reason, 80),
         now() + least("remainingMs", ${longestMs}) * interval '1 millisecond'
       from jsonb_to_recordset($2::jsonb)
         as w (id text, scope text, provider text, "apiKeyId" uuid, reason text, "remainingMs" float8)
       order by id
       on conflict (organization_id, pause_id) do update set reason = excluded.reason, is_over = false,
         began_at = case when p.is_over or p.ends_at < now() - interval '${gapMs} milliseconds' then now() else p.began_at end,
         ends_at = greatest(p.ends_at, excluded.ends_at)
     ), ended as (
       update chaperone.provider_pauses set is_over = true, ends_at = now()
       where organization_id = $1::uuid and pause_id = any ($3::text[]) and not is_over
     )
     select pg_notify($4, $5)`,
    [organizationId, JSON.stringify(pauses), overIds, configChannel(organizationId), pausesNotice],
  );
}

/** More are not read: a proxy does not remember more either. */
const maxPauses = 1_000;

/** Reads the pauses of an organization, open circuits first, then the last to end, with those that ended and were not said to be over. */
export async function readPauses(db: Queryable, organizationId: string): Promise<ProviderPause[]> {
  const { rows } = await db.query<ProviderPause>(
    `select pause_id as id, scope, provider, api_key_id as "apiKeyId", reason,
       (extract(epoch from ends_at - now()) * 1000)::float8 as "remainingMs"
     from chaperone.provider_pauses
     where organization_id = $1::uuid and not is_over
     order by scope = 'model', ends_at desc
     limit ${maxPauses}`,
    [organizationId],
  );
  return rows;
}

/** A circuit that is open: a provider or key that failed in a row. */
export interface OpenCircuit {
  readonly organizationId: string;
  readonly provider: string;
  /** `namespace/name` of the key's ApiKeyBinding. Null: all keys of the provider, or the binding is gone. */
  readonly binding: string | null;
  readonly scope: 'provider' | 'key';
  readonly reason: string;
  readonly beganAt: Date;
}

/**
 * Reads the open circuits of all organizations. One whose pause ended just now counts: the next call decides.
 *
 * @param db the owner's connection
 */
export async function readOpenCircuits(db: Queryable): Promise<OpenCircuit[]> {
  const { rows } = await db.query<OpenCircuit>(
    `select p.organization_id as "organizationId", p.provider, k.resource as binding, p.scope, p.reason,
       p.began_at as "beganAt"
     from chaperone.provider_pauses p
       left join chaperone.api_keys k on k.organization_id = p.organization_id and k.api_key_id = p.api_key_id
     where p.scope <> 'model' and not p.is_over and p.ends_at > now() - interval '${gapMs} milliseconds'
     order by p.organization_id, p.provider, p.scope desc, k.resource, p.pause_id
     limit 10000`,
  );
  return rows;
}

/**
 * Deletes pauses that ended long ago, of all organizations.
 *
 * @param db the owner's connection
 */
export async function deletePastPauses(db: Queryable): Promise<void> {
  await deletePast(db, 'pauses');
}
