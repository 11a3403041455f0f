-- Makes or updates an organization's login. The password arrives as a SCRAM-SHA-256 verifier, so no statement and no log
-- contains it.
create or replace function chaperone.ensure_organization_role(organization uuid, password_verifier text) returns name
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  login name := 'chaperone_org_' || replace(organization::text, '-', '');
  connections integer;
begin
  if password_verifier !~ '^SCRAM-SHA-256\$' then
    raise exception 'the password must be given as a SCRAM-SHA-256 verifier';
  end if;
  if not exists (select from pg_roles where rolname = login) then
    execute format('create role %I login nosuperuser nocreatedb nocreaterole', login);
  end if;
  execute format('alter role %I login password %L', login, password_verifier);
  execute format('grant chaperone_tenant to %I', login);
  insert into chaperone.organization_roles (organization_id, role_name) values (organization, login)
    on conflict do nothing;
  update chaperone.organization_roles r set password_set_at = clock_timestamp() where r.organization_id = organization;
  select nullif(rolconnlimit, -1) into connections from pg_roles where rolname = login;
  perform chaperone.limit_organization_role(organization, coalesce(connections, 20));
  return login;
end
$$;
revoke all on function chaperone.ensure_organization_role(uuid, text) from public;
