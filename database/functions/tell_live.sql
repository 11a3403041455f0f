-- The same as tell_live_of for the session's own organization.
create or replace function chaperone.tell_live(event text, data jsonb) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if organization is null then
    raise exception 'the session belongs to no organization' using errcode = 'insufficient_privilege';
  end if;
  perform chaperone.tell_live_of(organization, event, data);
end
$$;
revoke all on function chaperone.tell_live(text, jsonb) from public;
grant execute on function chaperone.tell_live(text, jsonb) to chaperone_tenant;
