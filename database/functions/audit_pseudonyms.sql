-- The pseudonyms of users in the audit log of the session's own organization.
create or replace function chaperone.audit_pseudonyms(users jsonb)
  returns table (external_id text, at text, person text)
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
#variable_conflict use_column
begin
  return query
    select p.external_id, p.at, p.person
    from chaperone.audit_pseudonyms_of(chaperone.current_organization_id(), users) p;
end
$$;
revoke all on function chaperone.audit_pseudonyms(jsonb) from public;
grant execute on function chaperone.audit_pseudonyms(jsonb) to chaperone_tenant;
