-- Tells the webhooks of the session's own organization of something, as emit_event_of does.
create or replace function chaperone.emit_event(type text, subject text, about_user uuid, data jsonb) returns integer
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
  return chaperone.emit_event_of(organization, type, subject, about_user, data);
end
$$;
revoke all on function chaperone.emit_event(text, text, uuid, jsonb) from public;
grant execute on function chaperone.emit_event(text, text, uuid, jsonb) to chaperone_tenant;
