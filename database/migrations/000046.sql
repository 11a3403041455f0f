-- What of a session happened elsewhere than in its calls: costs of services that were called elsewhere, turns that the
-- application has closed, calls that a guardrail has refused, and what users think of answers.
create table chaperone.session_costs (
  organization_id uuid not null,
  entry_id uuid not null,
  user_id uuid not null,
  session_id text not null check (length(session_id) <= 128),
  turn_id text check (length(turn_id) <= 128),
  service text not null check (service in ('asr', 'llm', 'translation', 'tts')),
  provider text not null check (length(provider) <= 63),
  operation text check (length(operation) <= 64),
  units numeric(20,3) check (units >= 0),
  unit_type text check (length(unit_type) <= 64),
  -- Of a cached operation: what it would have cost.
  cost_usd numeric(20,12) not null check (cost_usd >= 0 and cost_usd <= 10000000),
  -- Null: nobody says whether a cache was asked.
  is_cached boolean,
  optimization_level text check (optimization_level in ('quality', 'balanced', 'speed')),
  occurred_at timestamptz not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, entry_id)
);
create index session_costs_session on chaperone.session_costs (organization_id, session_id);
create index session_costs_user on chaperone.session_costs (organization_id, user_id);
alter table chaperone.session_costs enable row level security;
create policy tenant on chaperone.session_costs to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.session_costs to chaperone_tenant;

create table chaperone.session_turns (
  organization_id uuid not null,
  user_id uuid not null,
  session_id text not null check (length(session_id) <= 128),
  turn_id text not null check (length(turn_id) <= 128),
  status text not null check (status in ('successful', 'completed', 'failed', 'interrupted')),
  -- As the application has measured them. Null: it has not.
  asr_ms double precision check (asr_ms >= 0),
  llm_ms double precision check (llm_ms >= 0),
  translation_ms double precision check (translation_ms >= 0),
  tts_ms double precision check (tts_ms >= 0),
  total_ms double precision check (total_ms >= 0),
  closed_at timestamptz not null default now(),
  primary key (organization_id, user_id, session_id, turn_id)
);
create index session_turns_session on chaperone.session_turns (organization_id, session_id);
alter table chaperone.session_turns enable row level security;
create policy tenant on chaperone.session_turns to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.session_turns to chaperone_tenant;
grant update (status, asr_ms, llm_ms, translation_ms, tts_ms, total_ms, closed_at) on chaperone.session_turns
  to chaperone_tenant;

-- Calls that a guardrail did not let go to a provider, and so have no row in requests.
create table chaperone.guardrail_blocks (
  organization_id uuid not null,
  request_id text not null check (length(request_id) <= 64),
  started_at timestamptz not null,
  user_id uuid not null,
  session_id text not null check (length(session_id) <= 128),
  turn_id text check (length(turn_id) <= 128),
  -- The guardrails that found something, by name.
  guardrail_hits text[] not null,
  primary key (organization_id, request_id)
);
create index guardrail_blocks_session on chaperone.guardrail_blocks (organization_id, session_id);
create index guardrail_blocks_user on chaperone.guardrail_blocks (organization_id, user_id);
alter table chaperone.guardrail_blocks enable row level security;
create policy tenant on chaperone.guardrail_blocks to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.guardrail_blocks to chaperone_tenant;

create table chaperone.feedback (
  organization_id uuid not null,
  -- Microseconds since 1970 when it came, so that nobody has to count.
  feedback_id bigint not null,
  -- Whose session it is about, and who gave it.
  user_id uuid not null,
  rated_by uuid not null,
  session_id text not null check (length(session_id) <= 128),
  turn_id text check (length(turn_id) <= 128),
  message_id text check (length(message_id) <= 200),
  rating smallint not null,
  rating_type text not null check (rating_type in ('thumbs', 'stars')),
  category text check (length(category) <= 64),
  incorrect_response boolean not null,
  too_slow boolean not null,
  unhelpful boolean not null,
  offensive boolean not null,
  -- JSON: what was asked, what was answered, what is said about it, and further facts. Null: nothing of it.
  contents_encrypted bytea,
  created_at timestamptz not null default now(),
  primary key (organization_id, feedback_id),
  constraint feedback_rating_check check (
    case rating_type when 'thumbs' then rating in (-1, 1) else rating between 1 and 5 end
  )
);
create index feedback_created_at on chaperone.feedback (organization_id, created_at);
create index feedback_session on chaperone.feedback (organization_id, session_id);
create index feedback_user on chaperone.feedback (organization_id, user_id);
alter table chaperone.feedback enable row level security;
create policy tenant on chaperone.feedback to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.feedback to chaperone_tenant;

-- What arrives about a user who was erased meanwhile.
create trigger forget_late before insert on chaperone.guardrail_blocks
  for each row execute function chaperone.forget_late();

-- Copied from database/functions by `npm run generate`: edit those.

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
  update chaperone.session_costs s set session_id = 'erased-' || md5(s.session_id || stranger), turn_id = null
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_turns s set session_id = 'erased-' || md5(s.session_id || stranger),
      turn_id = 'erased-' || md5(s.turn_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.guardrail_blocks b set session_id = 'erased-' || md5(b.session_id || stranger), turn_id = null
    where b.organization_id = organization and b.user_id = erased;
  -- What is said in feedback is said of the person's session, or by the person.
  update chaperone.feedback f set category = null, contents_encrypted = null
    where f.organization_id = organization and (f.user_id = erased or f.rated_by = erased);
  update chaperone.feedback f set session_id = 'erased-' || md5(f.session_id || stranger), turn_id = null, message_id = null
    where f.organization_id = organization and f.user_id = erased;
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

-- Erases what arrives one row at a time about a user who was erased meanwhile.
create or replace function chaperone.forget_late() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
declare
  stranger uuid;
begin
  case tg_table_name
    when 'pending_calls' then
      stranger := chaperone.late_stranger(new.organization_id, (new.record ->> 'user_id')::uuid, new.started_at);
      if stranger is not null then
        new.record := chaperone.anonymous_record(new.record, stranger);
      end if;
    when 'analysis_results' then
      -- One that was being made meanwhile. What is not kept is only made again.
      if chaperone.late_stranger(new.organization_id, new.user_id, now() - interval '1 hour') is not null then
        return null;
      end if;
    when 'guardrail_blocks' then
      stranger := chaperone.late_stranger(new.organization_id, new.user_id, new.started_at);
      if stranger is not null then
        new.user_id := stranger;
        new.session_id := 'erased-' || md5(new.session_id || stranger);
        new.turn_id := null;
      end if;
    when 'owned_resources' then
      stranger := chaperone.late_stranger(new.organization_id, new.user_id, new.created_at);
      new.user_id := coalesce(stranger, new.user_id);
    else
      stranger := chaperone.late_stranger(new.organization_id, new.rated_by, new.rated_at);
      if stranger is not null then
        new.rated_by := stranger;
        new.feedback := null;
      end if;
      if tg_table_name = 'ratings' then
        new.user_id := coalesce(chaperone.late_stranger(new.organization_id, new.user_id, new.rated_at), new.user_id);
      end if;
  end case;
  return new;
end
$$;
revoke all on function chaperone.forget_late() from public;
