-- Notes which records are new, for the next fold. Erases those of users who were erased after the call. The notes of one
-- insert are split, because one step of a fold takes some thousand records.
create or replace function chaperone.note_usage() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  late record;
begin
  insert into chaperone.unfolded_usage (organization_id, started_at, request_id)
  select organization_id, array_agg(started_at), array_agg(request_id)
  from (select *, (row_number() over ()) / 2000 as part from made) m
  group by organization_id, part;
  -- Hardly ever: nothing else is looked at for those who were erased.
  if not exists (
    select
    from (select organization_id, min(started_at) as started_at from made group by organization_id) m
      join chaperone.erased_users e on e.organization_id = m.organization_id and e.erased_at > m.started_at - interval '1 hour'
  ) then
    return null;
  end if;
  for late in
    select m.organization_id, e.stranger, array_agg(m.started_at) as started_at, array_agg(m.request_id) as request_id
    from made m
      join chaperone.erased_users e
        on e.organization_id = m.organization_id and e.erased_at > m.started_at
          and e.user_digest = chaperone.user_digest(m.organization_id, m.user_id)
    group by m.organization_id, e.stranger
  loop
    delete from chaperone.request_contents c
      using unnest(late.started_at, late.request_id) as l (started_at, request_id)
      where c.organization_id = late.organization_id and c.started_at = l.started_at and c.request_id = l.request_id;
    update chaperone.requests r
      set user_id = late.stranger, session_id = 'erased-' || md5(r.session_id || late.stranger), turn_id = null,
          client_name = null, client_version = null, safety_identifier = null, end_user = null,
          conversation_id = null, branch_id = null, message_digest = null, parent_digest = null
      from unnest(late.started_at, late.request_id) as l (started_at, request_id)
      where r.organization_id = late.organization_id and r.started_at = l.started_at and r.request_id = l.request_id;
    insert into chaperone.users (organization_id, user_id, external_id, is_active)
      values (late.organization_id, late.stranger, 'erased-' || late.stranger, false)
      on conflict do nothing;
  end loop;
  -- What others' calls say of them. An analysis that goes on during the erasure may begin a call after it; and nothing is
  -- lost where it is about a new user of the same name.
  delete from chaperone.request_contents c
    using made m
      join chaperone.quoting_calls q on q.organization_id = m.organization_id and q.request_id = m.request_id
      join chaperone.erased_users e
        on e.organization_id = m.organization_id and e.user_digest = q.user_digest
          and e.erased_at > m.started_at - interval '1 hour'
    where c.organization_id = m.organization_id and c.started_at = m.started_at and c.request_id = m.request_id;
  return null;
end
$$;
revoke all on function chaperone.note_usage() from public;
