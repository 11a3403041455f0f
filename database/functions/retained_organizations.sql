-- The organizations whose records have an end.
create or replace function chaperone.retained_organizations() returns setof uuid
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select o.organization_id from chaperone.organizations o where o.spec -> 'storage' ->> 'retention' is not null
$$;
revoke all on function chaperone.retained_organizations() from public;
grant execute on function chaperone.retained_organizations() to chaperone_worker;
