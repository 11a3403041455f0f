-- Ends the sessions of an organization's login that were opened up to a time. Returns how many it ended.
create or replace function chaperone.end_organization_sessions(organization uuid, opened_until timestamptz) returns integer
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
