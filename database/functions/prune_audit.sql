-- Removes the oldest entries of an organization's audit log, those from before a time, and keeps the hash of the last of them as
-- the checkpoint that the rest begins with. An entry in the log says so, and the head in the status covers that entry. It
-- removes 10,000 entries at a time, and none while the oldest is not a day older than the time. Returns how many it removed.
create or replace function chaperone.prune_audit(organization uuid, before timestamptz) returns integer
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  head bigint;
  oldest timestamptz;
  first bigint;
  last bigint;
  cut record;
begin
  -- Nobody appends meanwhile.
  select c.seq into head from chaperone.audit_chains c where c.organization_id = organization for update;
  with oldest_entries as (
    select l.seq, (l.entry::jsonb ->> 'recordedAt')::timestamptz as recorded_at
    from chaperone.audit_log l where l.organization_id = organization order by l.seq limit 10000
  )
  select min(o.recorded_at), min(o.seq),
      coalesce(min(o.seq) filter (where o.recorded_at >= before) - 1, max(o.seq))
    into oldest, first, last
    from oldest_entries o;
  -- The last one stays, so that the log is never empty.
  select l.seq, l.hash into cut
    from chaperone.audit_log l
    where l.organization_id = organization and l.seq = least(last, head - 1) and l.seq >= first;
  if not found or oldest >= before - interval '1 day' then
    return 0;
  end if;
  insert into chaperone.audit_checkpoints as c (organization_id, seq, hash)
    values (organization, cut.seq, cut.hash)
    on conflict (organization_id) do update set seq = excluded.seq, hash = excluded.hash, cut_at = excluded.cut_at;
  delete from chaperone.audit_log l where l.organization_id = organization and l.seq <= cut.seq;
  perform chaperone.append_audit_of(organization, jsonb_build_array(jsonb_build_object('id', gen_random_uuid(),
    'at', to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'kind', 'cut',
    'actor', jsonb_build_object('managers', jsonb_build_array(jsonb_build_object('manager', 'retention'))), 'through', cut.seq,
    'hash', encode(cut.hash, 'hex'), 'entries', cut.seq - first + 1,
    'before', to_char(before, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))));
  return cut.seq - first + 1;
end
$$;
revoke all on function chaperone.prune_audit(uuid, timestamptz) from public;
