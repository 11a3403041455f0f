-- Appends entries to an organization's audit log, in their order, and chains their hashes. Entries whose id is in the log are
-- left out. It locks the head until the transaction ends. Returns how many it appended.
create or replace function chaperone.append_audit_of(organization uuid, entries jsonb) returns integer
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  head record;
  one jsonb;
  content text;
  appended integer := 0;
begin
  insert into chaperone.audit_chains (organization_id) values (organization) on conflict do nothing;
  select c.seq, c.hash into head from chaperone.audit_chains c where c.organization_id = organization for update;
  for one in select e.value from jsonb_array_elements(entries) e loop
    continue when exists (
      select from chaperone.audit_log l where l.organization_id = organization and l.entry_id = one ->> 'id');
    head.seq := head.seq + 1;
    content := (one || jsonb_build_object('organization', organization, 'seq', head.seq, 'recordedBy', session_user,
      'recordedAt', to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::text;
    head.hash := sha256(head.hash || convert_to(content, 'UTF8'));
    insert into chaperone.audit_log (organization_id, seq, entry_id, entry, hash)
      values (organization, head.seq, one ->> 'id', content, head.hash);
    appended := appended + 1;
  end loop;
  if appended > 0 then
    update chaperone.audit_chains c set seq = head.seq, hash = head.hash, appended_at = clock_timestamp()
      where c.organization_id = organization;
  end if;
  return appended;
end
$$;
revoke all on function chaperone.append_audit_of(uuid, jsonb) from public;
