-- The counts of a batch come as one text, which costs less than three arrays. Sidecars of the version before still call
-- the function of the same name with three arrays.

-- Adds what new records have used to their leases. The statement that stores the records calls it, so both happen, or none.
-- A lease that is not there any more comes back with what is settled late. `counts` has four numbers for each count: unit,
-- counter, lease, amount. The plan is the same for every batch, so it is not made anew.
create or replace function chaperone.settle_quota(counts text) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
  set plan_cache_mode = 'force_generic_plan'
as $$
declare
  organization uuid := chaperone.current_organization_id();
  numbers bigint[] := string_to_array(counts, ',')::bigint[];
begin
  insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, settled, expires_at)
  select organization, counter_id, lease_id, least(sum(greatest(amount, 0)), 1e18), clock_timestamp()
  from (
    select numbers[4 * n - 2] as counter_id, numbers[4 * n - 1] as lease_id, numbers[4 * n] as amount
    from generate_series(1, cardinality(numbers) / 4) as n
  ) s
  group by counter_id, lease_id
  order by counter_id, lease_id
  on conflict on constraint quota_leases_pkey do update set settled = least(l.settled + excluded.settled, 2e18);
end
$$;
revoke all on function chaperone.settle_quota(text) from public;
grant execute on function chaperone.settle_quota(text) to chaperone_tenant;
