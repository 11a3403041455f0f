-- Adds all new records of one organization to its sums.
create or replace function chaperone.fold_usage_of(organization uuid, wait boolean) returns void
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  select chaperone.fold_some_usage_of(organization, wait, null)
$$;
revoke all on function chaperone.fold_usage_of(uuid, boolean) from public;
