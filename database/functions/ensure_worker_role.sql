-- Makes or updates the login of this database's workers. Roles belong to the whole server, so the name has a digest of the
-- database's. The password arrives as a SCRAM-SHA-256 verifier, as in ensure_organization_role.
create or replace function chaperone.ensure_worker_role(password_verifier text) returns name
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  login name := 'chaperone_worker_' || left(md5(current_database()), 12);
begin
  if password_verifier !~ '^SCRAM-SHA-256\$' then
    raise exception 'the password must be given as a SCRAM-SHA-256 verifier';
  end if;
  if not exists (select from pg_roles where rolname = login) then
    execute format('create role %I login nosuperuser nocreatedb nocreaterole', login);
  end if;
  execute format('alter role %I login password %L', login, password_verifier);
  execute format('grant chaperone_worker to %I', login);
  return login;
end
$$;
revoke all on function chaperone.ensure_worker_role(text) from public;
