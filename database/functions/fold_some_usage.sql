-- One step of `fold_some_usage_of` for the session's own organization: some 6,000 records, which fits into the time that
-- a statement may take. Returns whether there are more.
create or replace function chaperone.fold_some_usage(wait boolean) returns boolean
  language sql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
  select chaperone.fold_some_usage_of(chaperone.current_organization_id(), wait, (
    select greatest(1, 6000 / max(cardinality(u.request_id)))
    from chaperone.unfolded_usage u
    where u.organization_id = chaperone.current_organization_id()))
$$;
revoke all on function chaperone.fold_some_usage(boolean) from public;
grant execute on function chaperone.fold_some_usage(boolean) to chaperone_tenant;
