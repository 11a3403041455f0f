-- What an organization's login may take of the server, so that one organization cannot lock the others out.

alter table chaperone.organization_roles
  -- When the present password was set; null where that was before this was noted.
  add column password_set_at timestamptz,
  -- When the role was given its limits; null: not yet, or not those that a later migration chose.
  add column limited_at timestamptz;

-- A login's settings. They are shorter than a proxy's patience (15 s), so that whatever it gives up on ends in the server, too.
create function chaperone.organization_role_settings() returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select array['search_path=chaperone', 'statement_timeout=12s', 'lock_timeout=10s', 'idle_in_transaction_session_timeout=30s']
    -- Since PostgreSQL 17.
    || array(select 'transaction_timeout=60s' from pg_settings where name = 'transaction_timeout')
$$;
revoke all on function chaperone.organization_role_settings() from public;

-- Whether a login has these settings and none of its own making. What a superuser gave it besides is left alone.
create function chaperone.has_organization_role_settings(login name) returns boolean
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select s.setdatabase, unnest(s.setconfig) as setting
    from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
    where r.rolname = login
  )
  select not exists (
      select from unnest(chaperone.organization_role_settings()) expected
      where not exists (select from own where setdatabase = 0 and setting = expected))
    and not exists (
      select from own
      where (setdatabase <> 0 or setting <> all (chaperone.organization_role_settings()))
        and (split_part(setting, '=', 1) in ('role', 'session_authorization')
          or exists (select from pg_settings s where s.name = split_part(own.setting, '=', 1) and s.context = 'user')))
$$;
revoke all on function chaperone.has_organization_role_settings(name) from public;

-- Gives an organization's login its limits, and takes away whatever settings it gave itself. A session may change its own
-- settings, but no role its connection limit. The owner becomes a member, which lets it see and end the role's sessions.
create function chaperone.limit_organization_role(organization uuid, connections integer) returns void
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

-- Ends the sessions of an organization's login that were opened up to a time. @returns how many
create function chaperone.end_organization_sessions(organization uuid, opened_until timestamptz) returns integer
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  login name := 'chaperone_org_' || replace(organization::text, '-', '');
  ended integer;
begin
  if not exists (select from pg_roles where rolname = login) then
    return 0;
  end if;
  if not pg_has_role(current_user, login, 'usage') then
    execute format('grant %I to %I', login, current_user);
  end if;
  select count(*) into ended
  from (
    select pg_terminate_backend(pid, 1000) from pg_stat_activity
    where usename = login and backend_start <= opened_until and pid <> pg_backend_pid()
  ) s;
  return ended;
end
$$;
revoke all on function chaperone.end_organization_sessions(uuid, timestamptz) from public;

-- The first half of a login's end, to be committed before the second: nobody comes in by it any more, and who is in may do
-- nothing. Proxies are told, so that they see that their rights are gone while their sessions stand.
create function chaperone.close_organization_role(organization uuid) returns void
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

-- The second half. Whatever the login made or granted goes with it: it would keep the role for ever. Only another database
-- may still hold it; then the role stays, with no right to anything.
-- @returns why it stays; null where it is gone
create function chaperone.remove_organization_role(organization uuid) returns text
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

create or replace function chaperone.drop_organization_role(organization uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform chaperone.close_organization_role(organization);
  perform chaperone.remove_organization_role(organization);
end
$$;
