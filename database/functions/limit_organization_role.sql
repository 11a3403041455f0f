-- Gives an organization's login its limits and removes the settings that the login made for itself. A login can change its
-- own settings, but not its connection limit. The owner becomes a member of the login, so that it can see and end the
-- login's sessions.
create or replace function chaperone.limit_organization_role(organization uuid, connections integer) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  login name := (select r.role_name from chaperone.organization_roles r where r.organization_id = organization);
  setting text;
  place name;
begin
  execute format('alter role %I reset all', login);
  for place in
    select d.datname
    from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
    where s.setrole = (select oid from pg_roles where rolname = login)
  loop
    execute format('alter role %I in database %I reset all', login, place);
  end loop;
  foreach setting in array chaperone.organization_role_settings() loop
    execute format('alter role %I set %I = %L', login, split_part(setting, '=', 1), split_part(setting, '=', 2));
  end loop;
  execute format('alter role %I connection limit %s', login, connections);
  if not pg_has_role(current_user, login, 'usage') then
    execute format('grant %I to %I', login, current_user);
  end if;
  update chaperone.organization_roles r set limited_at = now() where r.organization_id = organization;
end
$$;
revoke all on function chaperone.limit_organization_role(uuid, integer) from public;
