-- The second step of deleting an organization's login, after `close_organization_role`. Drops the login with everything it
-- owns or granted. Another database can still depend on the login; then the login stays without any rights. Returns why
-- it stays; null where it is dropped.
create or replace function chaperone.remove_organization_role(organization uuid) returns text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  login name := 'chaperone_org_' || replace(organization::text, '-', '');
  reason text;
begin
  if not exists (select from pg_roles where rolname = login) then
    return null;
  end if;
  perform chaperone.end_organization_sessions(organization, 'infinity');
  begin
    execute format('drop owned by %I', login);
    execute format('drop role %I', login);
  exception when dependent_objects_still_exist then
    get stacked diagnostics reason = pg_exception_detail;
    return reason;
  end;
  return null;
end
$$;
revoke all on function chaperone.remove_organization_role(uuid) from public;
