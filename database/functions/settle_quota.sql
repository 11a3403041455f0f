-- Adds what new records have used to their leases. The statement that stores the records calls it, so both happen, or none.
-- A lease that is not there any more comes back with what is settled late.
create or replace function chaperone.settle_quota(counters bigint[], leases bigint[], amounts bigint[]) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, settled, expires_at)
  select chaperone.current_organization_id(), counter_id, lease_id, least(sum(greatest(amount, 0)), 1e18), clock_timestamp()
  from unnest(counters, leases, amounts) as s (counter_id, lease_id, amount)
  group by counter_id, lease_id
  order by counter_id, lease_id
  on conflict on constraint quota_leases_pkey do update set settled = least(l.settled + excluded.settled, 2e18);
end
$$;
revoke all on function chaperone.settle_quota(bigint[], bigint[], bigint[]) from public;
grant execute on function chaperone.settle_quota(bigint[], bigint[], bigint[]) to chaperone_tenant;
