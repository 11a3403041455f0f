-- Conversations: which calls belong together, and on which branch each of them is. docs/conversations.md says how calls
-- are linked. The digests are keyed, so they tell nothing of what was said.
alter table chaperone.requests
  add column conversation_id uuid,
  add column branch_id text,
  add column message_digest bigint,
  add column parent_digest bigint,
  add column new_messages integer;
alter table chaperone.requests add constraint requests_conversation_check
  check (branch_id ~ '^(main|branch-[0-9a-f]{8})$' and new_messages between 0 and 1000000) not valid;
create index requests_conversation on chaperone.requests (organization_id, conversation_id, started_at)
  where conversation_id is not null;

-- A trigger on `requests` keeps both tables. Branches beside `main` have rows of their own.
create table chaperone.conversations (
  organization_id uuid not null,
  conversation_id uuid not null,
  user_id uuid not null,
  -- Of its first call. Calls that name no session have one of their own each.
  session_id text not null,
  first_call_at timestamptz not null,
  last_call_at timestamptz not null,
  calls bigint not null,
  total_tokens bigint not null,
  cost_usd numeric(20, 12) not null,
  -- The models that answered, at most sixteen.
  models text[] not null,
  primary key (organization_id, conversation_id)
) with (fillfactor = 80);
create index conversations_last_call_at on chaperone.conversations (organization_id, last_call_at, conversation_id);
create index conversations_user on chaperone.conversations (organization_id, user_id, last_call_at, conversation_id);
create index conversations_session on chaperone.conversations (organization_id, session_id);

create table chaperone.conversation_branches (
  organization_id uuid not null,
  conversation_id uuid not null,
  branch_id text not null,
  -- The `message_digest` of the calls that it continues in another way than an earlier branch.
  parent_digest bigint,
  first_call_at timestamptz not null,
  last_call_at timestamptz not null,
  calls bigint not null,
  total_tokens bigint not null,
  primary key (organization_id, conversation_id, branch_id)
) with (fillfactor = 80);

do $$
declare
  made text;
begin
  foreach made in array array['conversations', 'conversation_branches'] loop
    execute format('alter table chaperone.%I enable row level security', made);
    execute format('create policy tenant on chaperone.%I to chaperone_tenant
      using (organization_id = (select chaperone.current_organization_id()))
      with check (organization_id = (select chaperone.current_organization_id()))', made);
  end loop;
end
$$;
grant select on chaperone.conversations, chaperone.conversation_branches to chaperone_tenant;

-- Adds new records to their conversations and branches. Those of users who were erased after the call belong to none.
create function chaperone.note_conversations() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  has_late boolean;
begin
  if not exists (select from made where conversation_id is not null) then
    return null;
  end if;
  -- Hardly ever: nothing else is looked at for those who were erased.
  has_late := exists (
    select
    from (select organization_id, min(started_at) as started_at from made group by organization_id) m
      join chaperone.erased_users e on e.organization_id = m.organization_id and e.erased_at > m.started_at
  );
  -- In order, so that two inserts do not wait for each other in a circle.
  insert into chaperone.conversations as c (organization_id, conversation_id, user_id, session_id, first_call_at,
    last_call_at, calls, total_tokens, cost_usd, models)
  select m.organization_id, m.conversation_id, (array_agg(m.user_id order by m.started_at))[1],
    (array_agg(m.session_id order by m.started_at))[1], min(m.started_at), max(m.started_at), count(*),
    coalesce(sum(m.total_tokens), 0), coalesce(sum(m.cost_usd), 0),
    coalesce((array_agg(distinct m.model) filter (where m.model is not null))[:16], '{}')
  from made m
  where m.conversation_id is not null
    and (not has_late or chaperone.late_stranger(m.organization_id, m.user_id, m.started_at) is null)
  group by m.organization_id, m.conversation_id
  order by m.organization_id, m.conversation_id
  on conflict (organization_id, conversation_id) do update
    set first_call_at = least(c.first_call_at, excluded.first_call_at),
        last_call_at = greatest(c.last_call_at, excluded.last_call_at),
        calls = c.calls + excluded.calls,
        total_tokens = c.total_tokens + excluded.total_tokens,
        cost_usd = c.cost_usd + excluded.cost_usd,
        models = case when c.models @> excluded.models then c.models
          else (select array_agg(distinct model) from unnest(c.models || excluded.models) as u (model))[:16] end;
  insert into chaperone.conversation_branches as b (organization_id, conversation_id, branch_id, parent_digest,
    first_call_at, last_call_at, calls, total_tokens)
  select m.organization_id, m.conversation_id, m.branch_id, (array_agg(m.parent_digest order by m.started_at))[1],
    min(m.started_at), max(m.started_at), count(*), coalesce(sum(m.total_tokens), 0)
  from made m
  where m.conversation_id is not null and m.branch_id <> 'main'
    and (not has_late or chaperone.late_stranger(m.organization_id, m.user_id, m.started_at) is null)
  group by m.organization_id, m.conversation_id, m.branch_id
  order by m.organization_id, m.conversation_id, m.branch_id
  on conflict (organization_id, conversation_id, branch_id) do update
    set parent_digest = case when excluded.first_call_at < b.first_call_at then excluded.parent_digest else b.parent_digest end,
        first_call_at = least(b.first_call_at, excluded.first_call_at),
        last_call_at = greatest(b.last_call_at, excluded.last_call_at),
        calls = b.calls + excluded.calls,
        total_tokens = b.total_tokens + excluded.total_tokens;
  return null;
end
$$;
revoke all on function chaperone.note_conversations() from public;
create trigger note_conversations after insert on chaperone.requests
  referencing new table as made
  for each statement execute function chaperone.note_conversations();

-- Copied from database/functions by `npm run generate`: edit those.

-- The record of a call as the anonymous user's: without the names, contents and attributes of the person.
create or replace function chaperone.anonymous_record(record json, stranger uuid) returns json
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select (record::jsonb || jsonb_build_object('user_id', stranger, 'user_external_id', null,
    'session_id', 'erased-' || md5((record ->> 'session_id') || stranger), 'turn_id', null, 'input_sealed', null,
    'output_sealed', null, 'client_name', null, 'client_version', null, 'safety_identifier', null,
    'end_user', null, 'conversation_id', null, 'branch_id', null, 'message_digest', null, 'parent_digest', null))::json
$$;
revoke all on function chaperone.anonymous_record(json, uuid) from public;

-- Erases a person from the organization's records: it deletes contents, feedback and names, and puts the anonymous user of
-- `note_erasure` in the person's place. The id changes too, because anyone who knows the external id can compute it. Returns
-- the new id; null where there is no such user. Call `note_erasure` first.
create or replace function chaperone.erase_user(erased uuid) returns uuid
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '60s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
  stranger uuid;
  external_name text;
  place record;
begin
  select u.external_id into external_name
    from chaperone.users u where u.organization_id = organization and u.user_id = erased for update;
  if not found then
    return null;
  end if;
  -- A fold under way still adds to the sums of the user.
  insert into chaperone.fold_turns (organization_id) values (organization) on conflict do nothing;
  perform from chaperone.fold_turns where organization_id = organization for update;
  -- What arrives later gets the same anonymous user. Where something has arrived since the note, and is in the sums already,
  -- that keeps its user, since nobody can merge the sums of two.
  select e.stranger into stranger
    from chaperone.erased_users e
    where e.organization_id = organization and e.user_digest = chaperone.user_digest(organization, erased);
  if exists (select from chaperone.session_usage s where s.organization_id = organization and s.user_id = stranger) then
    update chaperone.erased_users e set stranger = gen_random_uuid()
      where e.organization_id = organization and e.user_digest = chaperone.user_digest(organization, erased)
      returning e.stranger into stranger;
  end if;
  stranger := coalesce(stranger, gen_random_uuid());
  delete from chaperone.request_contents c
    using chaperone.requests r
    where r.organization_id = organization and r.user_id = erased
      and c.organization_id = organization and c.started_at = r.started_at and c.request_id = r.request_id;
  -- Of a call that goes on, what is known so far becomes its record. Without the input its output is not kept either.
  update chaperone.pending_calls p
    set record = chaperone.anonymous_record(p.record, stranger)
    where p.organization_id = organization and p.record ->> 'user_id' = erased::text;
  -- Which calls belonged together goes with what was said in them. A conversation is one user's.
  delete from chaperone.conversation_branches b
    using chaperone.conversations c
    where c.organization_id = organization and c.user_id = erased
      and b.organization_id = organization and b.conversation_id = c.conversation_id;
  delete from chaperone.conversations c where c.organization_id = organization and c.user_id = erased;
  delete from chaperone.analysis_results where organization_id = organization and user_id = erased;
  -- Nobody knows which of the answers that may be replayed say something about the person, so all of them go.
  perform from chaperone.cached_bytes b where b.organization_id = organization for update;
  delete from chaperone.cached_answers a where a.organization_id = organization;
  update chaperone.cached_bytes b set bytes = 0 where b.organization_id = organization;
  update chaperone.ratings set feedback = null where organization_id = organization and rated_by = erased;
  update chaperone.rating_history set feedback = null where organization_id = organization and rated_by = erased;
  -- Clients name sessions and turns, so those names go, too.
  update chaperone.requests r
    set session_id = 'erased-' || md5(r.session_id || stranger), turn_id = null, client_name = null,
        client_version = null, safety_identifier = null, end_user = null, conversation_id = null, branch_id = null,
        message_digest = null, parent_digest = null
    where r.organization_id = organization and r.user_id = erased;
  -- Calls of somebody else's in which the person is named.
  update chaperone.requests r set safety_identifier = null
    where r.organization_id = organization and r.safety_identifier = external_name;
  update chaperone.requests r set end_user = null
    where r.organization_id = organization and r.end_user = external_name;
  update chaperone.pending_calls p
    set record = (p.record::jsonb || jsonb_build_object('safety_identifier', nullif(p.record ->> 'safety_identifier', external_name),
      'end_user', nullif(p.record ->> 'end_user', external_name)))::json
    where p.organization_id = organization and external_name in (p.record ->> 'safety_identifier', p.record ->> 'end_user');
  update chaperone.sessions s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_facets s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_usage s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  -- What a rule counts of the person, or of one of the person's sessions.
  update chaperone.quota_counters c
    set scope = stranger || case when c.per = 'Session' then '/erased-' || md5(substr(c.scope, 38) || stranger) else '' end
    where c.organization_id = organization and c.per in ('User', 'Session') and left(c.scope, 36) = erased::text;
  -- The entries of the audit log have only the pseudonym, which says nothing from now on.
  delete from chaperone.audit_people p where p.organization_id = organization and p.external_id = external_name;
  -- What has arrived since the note may have made the anonymous user. The update tells proxies of it.
  insert into chaperone.users (organization_id, user_id, external_id, is_active, created_at)
    select organization, stranger, 'erased-' || stranger, false, u.created_at
    from chaperone.users u where u.organization_id = organization and u.user_id = erased
    on conflict do nothing;
  update chaperone.users u set is_active = false, updated_at = now()
    where u.organization_id = organization and u.user_id = stranger;
  delete from chaperone.users u where u.organization_id = organization and u.user_id = erased;
  for place in
    select c.oid::regclass as owner, a.attname as name
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname in ('user_id', 'rated_by') and not a.attisdropped
    where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  loop
    execute format('update %s set %I = $1 where organization_id = $2 and %I = $3', place.owner, place.name, place.name)
      using stranger, organization, erased;
  end loop;
  -- Nobody can edit deleted configuration. These updates come last, because they lock the organization's configuration.
  update chaperone.api_keys k set user_external_id = null
    where k.organization_id = organization and k.deleted_at is not null and k.user_external_id = external_name;
  update chaperone.personas p set users = array_remove(p.users, external_name)
    where p.organization_id = organization and p.deleted_at is not null and external_name = any (p.users);
  return stranger;
end
$$;
revoke all on function chaperone.erase_user(uuid) from public;
grant execute on function chaperone.erase_user(uuid) to chaperone_tenant;

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
      join chaperone.erased_users e on e.organization_id = m.organization_id and e.erased_at > m.started_at
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
  return null;
end
$$;
revoke all on function chaperone.note_usage() from public;
