-- What pending calls have reserved of a counter. It is in no lease: it stays reserved until they are settled, however long
-- that takes, and whatever becomes of the proxy that made them.
create or replace function chaperone.quota_pending(organization uuid, counter bigint) returns bigint
  language sql stable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select least(coalesce(sum(p.quota[4 * n]), 0), 1e18)::bigint
  from chaperone.pending_calls p, generate_series(1, cardinality(p.quota) / 4) as n
  where p.organization_id = organization and p.settled_at is null and p.quota is not null and p.quota[4 * n - 2] = counter
$$;
revoke all on function chaperone.quota_pending(uuid, bigint) from public;
grant execute on function chaperone.quota_pending(uuid, bigint) to chaperone_tenant;
