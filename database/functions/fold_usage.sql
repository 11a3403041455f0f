-- Adds all new records of the session's own organization to its sums.
create or replace function chaperone.fold_usage(wait boolean) returns void
  language sql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
  select chaperone.fold_usage_of(chaperone.current_organization_id(), wait)
$$;
revoke all on function chaperone.fold_usage(boolean) from public;
grant execute on function chaperone.fold_usage(boolean) to chaperone_tenant;
