-- The organization that the session's login belongs to; null for other logins. Every policy of a tenant's table calls it.
-- It goes by `session_user`, which no statement of a tenant can change.
create or replace function chaperone.current_organization_id() returns uuid
  language sql stable security definer parallel safe
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select organization_id from chaperone.organization_roles where role_name = session_user
$$;
revoke all on function chaperone.current_organization_id() from public;
grant execute on function chaperone.current_organization_id() to chaperone_tenant;
