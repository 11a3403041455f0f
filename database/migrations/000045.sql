-- Where an audit log begins whose oldest entries were removed by the organization's retention.
create table chaperone.audit_checkpoints (
  organization_id uuid primary key,
  -- The last removed entry.
  seq bigint not null check (seq > 0),
  hash bytea not null check (length(hash) = 32),
  cut_at timestamptz not null default now()
);
alter table chaperone.audit_checkpoints enable row level security;
create policy tenant on chaperone.audit_checkpoints to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.audit_checkpoints to chaperone_tenant;

-- Copied from database/functions by `npm run generate`: edit those.

-- Refuses every change of the audit log but appending, to its owner and to superusers, too. A log goes only with its
-- organization, and its oldest entries where a checkpoint stands for them (`prune_audit`).
create or replace function chaperone.keep_audit_log() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' and not exists (
    select from chaperone.organizations o where o.organization_id = old.organization_id
  ) then
    return old;
  end if;
  if tg_op = 'DELETE' and exists (
    select from chaperone.audit_checkpoints c where c.organization_id = old.organization_id and c.seq >= old.seq
  ) then
    return old;
  end if;
  raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end
$$;
revoke all on function chaperone.keep_audit_log() from public;

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
