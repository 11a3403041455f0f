-- The first step of deleting an organization's login. Commit it before the second step, `remove_organization_role`: from
-- then on nobody can log in, and open sessions have no rights. The notice makes proxies see that while their sessions
-- are still open.
create or replace function chaperone.close_organization_role(organization uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  login name := 'chaperone_org_' || replace(organization::text, '-', '');
begin
  delete from chaperone.organization_roles r where r.organization_id = organization;
  if exists (select from pg_roles where rolname = login) then
    execute format('alter role %I nologin password null connection limit 0', login);
    execute format('revoke chaperone_tenant from %I', login);
    perform pg_notify('chaperone_' || replace(organization::text, '-', ''), '');
  end if;
end
$$;
revoke all on function chaperone.close_organization_role(uuid) from public;
