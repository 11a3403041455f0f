import type { Queryable } from '../queryable.ts';

/** How failures of one kind are slowed down. */
export interface Backoff {
  /** How many failures have no consequence. */
  readonly free: number;
  /** Seconds after the first failure beyond these. Each further one doubles them. */
  readonly firstS: number;
  readonly mostS: number;
}

/** What failures are counted of. */
export interface AttemptSubject {
  /** The id of the user that was named, whether there is such an account or not. Null: any. */
  readonly accountId: string | null;
  /** A digest of the address under a key of the organization. Null: any. */
  readonly addressDigest: Uint8Array | null;
  readonly backoff: Backoff;
}

const none = '00000000-0000-0000-0000-000000000000';

/**
 * Counts an attempt as a failure before the password is looked at, so that attempts at the same time count, too.
 *
 * @returns when it may be tried again, where the attempt is not allowed; such an attempt is not counted
 */
export async function beginAttempt(
  db: Queryable,
  organizationId: string,
  subjects: readonly AttemptSubject[],
): Promise<Date | undefined> {
  const { rows } = await db.query<{ until: Date | null }>(
    `with given as (
       select * from unnest($2::uuid[], $3::bytea[], $4::integer[], $5::float8[], $6::float8[])
         as g (account_id, address_digest, free, first_s, most_s)
     ), locked as (
       select max(a.locked_until) as until
       from given g join chaperone.login_attempts a
         on a.organization_id = $1::uuid and a.account_id = g.account_id and a.address_digest = g.address_digest
       where a.locked_until > clock_timestamp()
     ), counted as (
       insert into chaperone.login_attempts as a (organization_id, account_id, address_digest, failures, locked_until)
       select $1::uuid, g.account_id, g.address_digest, 1, '-infinity'
       from given g, locked
       where locked.until is null
       order by g.account_id, g.address_digest
       on conflict (organization_id, account_id, address_digest) do update
         set was_locked = a.locked_until > clock_timestamp(),
             failures = case
               when a.locked_until > clock_timestamp() then a.failures
               when a.last_at < clock_timestamp() - interval '1 day' then 1
               else least(a.failures, 1000) + 1
             end,
             last_at = clock_timestamp(),
             locked_until = case
               when a.locked_until > clock_timestamp() then a.locked_until
               when a.last_at < clock_timestamp() - interval '1 day' then '-infinity'
               else coalesce((
                 select clock_timestamp()
                   + least(g.most_s, g.first_s * power(2, least(a.failures - g.free, 30))) * interval '1 second'
                 from given g
                 where g.account_id = a.account_id and g.address_digest = a.address_digest and a.failures >= g.free
               ), '-infinity')
             end
       returning case when was_locked then locked_until end as until
     )
     select until from locked union all select until from counted`,
    [
      organizationId,
      subjects.map(({ accountId }) => accountId ?? none),
      subjects.map(({ addressDigest }) => Buffer.from(addressDigest ?? [])),
      subjects.map(({ backoff }) => backoff.free),
      subjects.map(({ backoff }) => backoff.firstS),
      subjects.map(({ backoff }) => backoff.mostS),
    ],
  );
  const times = rows.map(({ until }) => until).filter((until) => until !== null);
  return times.length === 0 ? undefined : new Date(Math.max(...times.map(Number)));
}

/** Takes the failures of an account back: somebody knows its password. Those of an address stay, less this one. */
export async function endAttempt(
  db: Queryable,
  organizationId: string,
  accountId: string,
  addressDigest: Uint8Array,
): Promise<void> {
  await db.query(
    `update chaperone.login_attempts
     set failures = case when account_id = $2::uuid then 0 else greatest(failures - 1, 0) end, locked_until = '-infinity'
     where organization_id = $1::uuid
       and ((account_id = $2::uuid and address_digest in ($3::bytea, ''))
         or (account_id = $4::uuid and address_digest = $3::bytea))`,
    [organizationId, accountId, addressDigest, none],
  );
}
