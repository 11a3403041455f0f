-- Appends entries to the audit log of the session's own organization. A proxy tells of refusals and of what API callers did;
-- only the operator tells of resources.
create or replace function chaperone.append_audit(entries jsonb) returns integer
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
  if exists (select from jsonb_array_elements(entries) e where coalesce(e.value ->> 'kind', '') not in ('api', 'refusal')) then
    raise exception 'an entry of another kind' using errcode = 'check_violation';
  end if;
  return chaperone.append_audit_of(organization, entries);
end
$$;
revoke all on function chaperone.append_audit(jsonb) from public;
grant execute on function chaperone.append_audit(jsonb) to chaperone_tenant;
