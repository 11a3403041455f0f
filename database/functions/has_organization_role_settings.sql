-- Whether a login has the settings of `organization_role_settings` and no others that a tenant could have made. Settings
-- that only a superuser can make do not count.
create or replace function chaperone.has_organization_role_settings(login name) returns boolean
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  with wanted as materialized (
    -- Once: it takes as long as all the rest, and every reconciliation of an Organization asks.
    select chaperone.organization_role_settings() as settings
  ), own as (
    select s.setdatabase, unnest(s.setconfig) as setting
    from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
    where r.rolname = login
  )
  select not exists (
      select from wanted, unnest(settings) expected
      where not exists (select from own where setdatabase = 0 and setting = expected))
    and not exists (
      select from own
      where (setdatabase <> 0 or setting <> all ((select settings from wanted)::text[]))
        and (split_part(setting, '=', 1) in ('role', 'session_authorization')
          or exists (select from pg_settings s where s.name = split_part(own.setting, '=', 1) and s.context = 'user')))
$$;
revoke all on function chaperone.has_organization_role_settings(name) from public;
