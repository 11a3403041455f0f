-- Which calls say what another user than their own has said, as analyses do: an erasure of that user finds them, also where
-- they arrive later. A row is written before its call is made.
create table chaperone.quoting_calls (
  organization_id uuid not null,
  request_id text not null check (length(request_id) <= 64),
  -- chaperone.user_digest of who is quoted.
  user_digest bytea not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, request_id)
);
create index quoting_calls_user on chaperone.quoting_calls (organization_id, user_digest);
alter table chaperone.quoting_calls enable row level security;
create policy tenant on chaperone.quoting_calls to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.quoting_calls to chaperone_tenant;

-- What retention has removed of an organization so far.
create table chaperone.retention_states (
  organization_id uuid primary key,
  -- Nothing from before this time is left.
  kept_from timestamptz,
  -- How many rows have gone, by what they were.
  removed jsonb not null default '{}',
  updated_at timestamptz not null default now()
);
alter table chaperone.retention_states enable row level security;


-- Copied from database/functions by `npm run generate`: edit those.

-- Deletes some of what an organization stores of calls from before `chaperone.kept_from`: at most so many rows, so that no
-- step takes long. Returns how many rows went. Sums by day and week stay. `end` notes that nothing is left.
create or replace function chaperone.delete_past_records(organization uuid, what text, most integer) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  before timestamptz := chaperone.kept_from(organization);
  place record;
  gone bigint := 0;
begin
  if before is null then
    return 0;
  end if;
  case what
    when 'contents' then
      delete from chaperone.request_contents c
        using (
          select started_at, request_id from chaperone.request_contents
          where organization_id = organization and started_at < before
          order by started_at limit most
        ) past
        where c.organization_id = organization and c.started_at = past.started_at and c.request_id = past.request_id;
    when 'calls' then
      -- Those that the sums do not have yet wait for the next time.
      delete from chaperone.requests r
        using (
          select started_at, request_id from chaperone.requests
          where organization_id = organization and started_at < before
            and not exists (
              select from chaperone.unfolded_usage u, unnest(u.started_at) as noted (at)
              where u.organization_id = organization and noted.at < before)
          order by started_at limit most
        ) past
        where r.organization_id = organization and r.started_at = past.started_at and r.request_id = past.request_id;
    when 'conversations' then
      -- Their analyses go with them.
      with past as (
        delete from chaperone.conversations c
        where c.organization_id = organization and c.conversation_id in (
          select conversation_id from chaperone.conversations
          where organization_id = organization and last_call_at < before limit most)
        returning c.conversation_id
      ), branches as (
        delete from chaperone.conversation_branches b using past p
        where b.organization_id = organization and b.conversation_id = p.conversation_id
      )
      select count(*) into gone from past;
    when 'support_conversations' then
      -- Those that nobody has touched since. The figures of their days stay.
      with past as (
        delete from chaperone.support_conversations c
        where c.organization_id = organization and c.conversation_id in (
          select conversation_id from chaperone.support_conversations
          where organization_id = organization and updated_at < before limit most)
        returning c.conversation_id
      ), messages as (
        delete from chaperone.support_messages m using past p
        where m.organization_id = organization and m.conversation_id = p.conversation_id
      )
      select count(*) into gone from past;
    when 'sessions' then
      -- No fold counts on what goes.
      insert into chaperone.fold_turns (organization_id) values (organization) on conflict do nothing;
      perform from chaperone.fold_turns where organization_id = organization for update;
      with past as (
        delete from chaperone.sessions s
        where s.ctid = any (array(
          select p.ctid from chaperone.sessions p
          where p.organization_id = organization and p.last_request_at < before limit most))
        returning s.user_id, s.session_id, s.facets, s.facets_first_call_at
      ), facets as (
        delete from chaperone.session_facets f
        using past p, unnest(p.facets, p.facets_first_call_at) as had (facet, first_call_at)
        where f.organization_id = organization and f.facet = had.facet and f.user_id = p.user_id
          and f.first_call_at = had.first_call_at and f.session_id = p.session_id
      )
      select count(*) into gone from past;
    when 'webhook_events' then
      delete from chaperone.webhook_events e
        where e.ctid = any (array(
          select p.ctid from chaperone.webhook_events p
          where p.organization_id = organization and p.occurred_at < before
            and not exists (
              select from chaperone.webhook_deliveries d
              where d.organization_id = organization and d.event_id = p.event_id)
          limit most));
    when 'jobs' then
      -- Dead letters only: all others still have attempts.
      delete from graphile_worker._private_jobs j
        where j.id in (
          select d.id from graphile_worker._private_jobs d
          where d.payload ->> 'organization' = organization::text and d.attempts >= d.max_attempts
            and d.locked_at is null and d.updated_at < before
          limit most);
    when 'end' then
      insert into chaperone.retention_states as s (organization_id, kept_from) values (organization, before)
        on conflict (organization_id) do update set kept_from = excluded.kept_from, updated_at = now()
        where s.kept_from is distinct from excluded.kept_from;
      return 0;
    else
      -- The calls of jobs go when no job needs them (delete_past_rows).
      select t.name, t.at into place
        from (values
          ('ratings', 'rated_at'), ('rating_history', 'rated_at'), ('session_usage', 'last_request_at'),
          ('session_costs', 'occurred_at'), ('session_turns', 'closed_at'), ('guardrail_blocks', 'started_at'),
          ('feedback', 'created_at'), ('conversation_analyses', 'completed_at'), ('analysis_results', 'created_at'),
          ('webhook_deliveries', 'ended_at')
        ) t (name, at)
        where t.name = what;
      if not found then
        raise exception 'nothing of this name is removed' using errcode = 'invalid_parameter_value';
      end if;
      execute format(
        'delete from chaperone.%1$I t where t.ctid = any (array(
           select p.ctid from chaperone.%1$I p where p.organization_id = $1 and p.%2$I < $2 limit $3))',
        place.name, place.at) using organization, before, most;
  end case;
  if what not in ('conversations', 'support_conversations', 'sessions') then
    get diagnostics gone = row_count;
  end if;
  perform chaperone.note_retention(organization, what, gone);
  return gone;
end
$$;
revoke all on function chaperone.delete_past_records(uuid, text, integer) from public;
grant execute on function chaperone.delete_past_records(uuid, text, integer) to chaperone_worker;

-- Deletes what no longer counts, of all organizations: a chore of workers. Returns how many rows went.
create or replace function chaperone.delete_past_rows(chore text) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  gone bigint;
begin
  case chore
    when 'analysis results' then
      delete from chaperone.analysis_results r
        using chaperone.organizations o
        where o.organization_id = r.organization_id
          and r.created_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'conversation analyses' then
      delete from chaperone.conversation_analyses a
        using chaperone.organizations o
        where o.organization_id = a.organization_id
          and a.completed_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'answers' then
      with sizes as materialized (
        select c.organization_id, o.spec -> 'cache' is null as is_off
        from chaperone.cached_bytes c
          left join chaperone.organizations o on o.organization_id = c.organization_id
        for update of c skip locked
      ), gone as (
        delete from chaperone.cached_answers a using sizes s
        where a.organization_id = s.organization_id and (s.is_off or a.expires_at <= now())
        returning a.organization_id, a.bytes
      ), corrected as (
        update chaperone.cached_bytes c set bytes = c.bytes - g.bytes
        from (select organization_id, sum(bytes) as bytes from gone group by organization_id) g
        where g.organization_id = c.organization_id
      )
      select count(*) into gone from gone;
      return gone;
    when 'revocations' then
      delete from chaperone.revocations where expires_at < now();
    when 'counters' then
      with past as (
        delete from chaperone.quota_counters c
        where c.window_end < now() - interval '3 days'
          or (c.window_end = 'infinity' and (c.unit = 'concurrent' or c.per = 'Session')
            and not exists (
              select from chaperone.quota_leases l
              where l.organization_id = c.organization_id and l.counter_id = c.counter_id
                -- A session without a call for 90 days.
                and l.expires_at > now() - case when c.unit = 'concurrent' then 1 else 90 end * interval '1 day')
            and chaperone.quota_pending(c.organization_id, c.counter_id) = 0)
        returning organization_id, counter_id
      )
      delete from chaperone.quota_leases l using past p
      where l.organization_id = p.organization_id and l.counter_id = p.counter_id;
      delete from chaperone.quota_leases l
        where l.expires_at < now() - interval '3 days'
          and not exists (
            select from chaperone.quota_counters c
            where c.organization_id = l.organization_id and c.counter_id = l.counter_id);
    when 'warnings' then
      -- Older than every window which the calendar has, but not those of counters that still count.
      delete from chaperone.budget_warnings w
        where warned_at < now() - interval '40 days'
          and not exists (
            select from chaperone.quota_counters c
            where c.organization_id = w.organization_id and c.counter_id = w.counter_id);
    when 'pauses' then
      delete from chaperone.provider_pauses
        where ends_at < now() - case scope when 'model' then interval '1 minute' else interval '1 hour' end;
    when 'deliveries' then
      perform chaperone.prune_webhooks('30 days');
    when 'vectors' then
      -- Of texts that no article has any more, and of a model that the Organization no longer names.
      delete from chaperone.knowledge_vectors v
        using chaperone.organizations o
        where o.organization_id = v.organization_id
          and (chaperone.embedding_space(o.spec) is distinct from v.space
            or not exists (
              select from chaperone.knowledge_passages p
              where p.organization_id = v.organization_id and p.text_digest = v.text_digest));
    when 'calls of jobs' then
      -- An attempt looks for the calls of those before it, and a dead letter may be tried again.
      delete from chaperone.job_calls c
        where c.created_at < now() - interval '1 day'
          and not exists (select from graphile_worker._private_jobs j where j.id = c.job_id)
          -- By them, an erasure finds what a model was told for an analysis.
          and not exists (
            select from chaperone.conversation_analyses a
            where a.organization_id = c.organization_id and a.job_id = c.job_id);
    when 'idempotent answers' then
      delete from chaperone.idempotent_answers a where a.expires_at <= clock_timestamp();
    when 'quotes' then
      -- A record may still be on its way. The id of a call begins with its time.
      delete from chaperone.quoting_calls q
        where q.created_at < now() - interval '30 days'
          and not exists (
            select from chaperone.request_contents c
            where c.organization_id = q.organization_id and c.request_id = q.request_id
              and c.started_at = case when q.request_id ~ '^req_[0-9a-f]{32}$'
                then to_timestamp(('x0000' || substr(q.request_id, 5, 12))::bit(64)::bigint / 1000.0) end);
    else
      raise exception 'there is no such chore' using errcode = 'invalid_parameter_value';
  end case;
  get diagnostics gone = row_count;
  return gone;
end
$$;
revoke all on function chaperone.delete_past_rows(text) from public;
grant execute on function chaperone.delete_past_rows(text) to chaperone_worker;

-- Drops a partition of `requests` or `request_contents` from which every organization that has rows in it keeps nothing any
-- more. That takes a lock that everybody waits for, so it waits half a second for the lock at most, and counts the rows
-- before. Returns the name of the partition; null where there is none to drop, or the lock could not be had.
create or replace function chaperone.drop_past_partition() returns text
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '500ms'
as $$
declare
  part record;
  needed boolean;
  counts jsonb;
begin
  for part in
    select format('chaperone.%I', c.relname) as name, p.relname as parent, c.relname as short,
      (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz as begins_at,
      (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz as ends_at
    from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      join pg_class p on p.oid = i.inhparent
    where p.oid in ('chaperone.requests'::regclass, 'chaperone.request_contents'::regclass)
    -- What was said goes first.
    order by p.relname, c.relname
  loop
    continue when part.ends_at is null or part.ends_at > now() - interval '1 day';
    execute format(
      'select exists (
         select from chaperone.organizations o
         where coalesce(chaperone.kept_from(o.organization_id), ''-infinity'') < $1
           and exists (select from %s r where r.organization_id = o.organization_id))', part.name)
      into needed using part.ends_at;
    continue when needed;
    execute format(
      'select jsonb_object_agg(organization_id, calls)
       from (select organization_id, count(*) as calls from %s group by organization_id) c', part.name) into counts;
    -- An empty month may still get records that come late, from a proxy that was away.
    continue when counts is null and part.ends_at > now() - interval '92 days';
    begin
      execute format('lock table chaperone.%I in access exclusive mode', part.parent);
      -- The sums do not have all of it yet.
      if exists (
        select from chaperone.unfolded_usage u, unnest(u.started_at) as noted (at)
        where noted.at >= part.begins_at and noted.at < part.ends_at
      ) then
        continue;
      end if;
      execute format('drop table %s', part.name);
    exception when lock_not_available then
      return null;
    end;
    perform chaperone.note_retention(o.key::uuid, case part.parent when 'requests' then 'calls' else 'contents' end,
        o.value::bigint)
      from jsonb_each_text(coalesce(counts, '{}')) o;
    return part.short;
  end loop;
  return null;
end
$$;
revoke all on function chaperone.drop_past_partition() from public;
grant execute on function chaperone.drop_past_partition() to chaperone_worker;

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
  -- The id of a call begins with its time.
  delete from chaperone.request_contents c
    using chaperone.quoting_calls q
    where q.organization_id = organization and q.user_digest = chaperone.user_digest(organization, erased)
      and c.organization_id = organization and c.request_id = q.request_id
      and c.started_at = to_timestamp(('x0000' || substr(q.request_id, 5, 12))::bit(64)::bigint / 1000.0);
  -- Of a call that goes on, what is known so far becomes its record. Without the input its output is not kept either.
  update chaperone.pending_calls p
    set record = chaperone.anonymous_record(p.record, stranger)
    where p.organization_id = organization and p.record ->> 'user_id' = erased::text;
  update chaperone.job_intents i
    set record = chaperone.anonymous_record(i.record, stranger)
    where i.organization_id = organization and i.record ->> 'user_id' = erased::text;
  -- Analyses go with their conversations, and so does what the models were told for them, whoever asked. The id of a call
  -- begins with its time.
  delete from chaperone.request_contents c
    using chaperone.conversations v, chaperone.conversation_analyses a, chaperone.job_calls j
    where v.organization_id = organization and v.user_id = erased
      and a.organization_id = organization and a.conversation_id = v.conversation_id
      and j.organization_id = organization and j.job_id = a.job_id
      and c.organization_id = organization and c.request_id = j.request_id
      and c.started_at = to_timestamp(('x0000' || substr(j.request_id, 5, 12))::bit(64)::bigint / 1000.0);
  update chaperone.conversation_analyses a set requested_by = null
    where a.organization_id = organization and a.requested_by = external_name;
  -- Which calls belonged together goes with what was said in them. A conversation is one user's.
  delete from chaperone.conversation_branches b
    using chaperone.conversations c
    where c.organization_id = organization and c.user_id = erased
      and b.organization_id = organization and b.conversation_id = c.conversation_id;
  delete from chaperone.conversations c where c.organization_id = organization and c.user_id = erased;
  delete from chaperone.support_messages m
    using chaperone.support_conversations c
    where c.organization_id = organization and c.user_id = erased
      and m.organization_id = organization and m.conversation_id = c.conversation_id;
  delete from chaperone.support_conversations c where c.organization_id = organization and c.user_id = erased;
  delete from chaperone.analysis_results where organization_id = organization and user_id = erased;
  -- What is on its way to webhooks about the person is not delivered.
  delete from chaperone.webhook_deliveries d
    using chaperone.webhook_events e
    where e.organization_id = organization and e.user_id = erased
      and d.organization_id = organization and d.event_id = e.event_id;
  delete from chaperone.webhook_events e where e.organization_id = organization and e.user_id = erased;
  -- Nobody knows which of the answers that may be replayed say something about the person, so all of them go.
  perform from chaperone.cached_bytes b where b.organization_id = organization for update;
  delete from chaperone.cached_answers a where a.organization_id = organization;
  update chaperone.cached_bytes b set bytes = 0 where b.organization_id = organization;
  -- Nor which of the answers that are kept for a repeated request.
  delete from chaperone.idempotent_answers a where a.organization_id = organization;
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
  update chaperone.job_intents i
    set record = (i.record::jsonb || jsonb_build_object('safety_identifier', nullif(i.record ->> 'safety_identifier', external_name),
      'end_user', nullif(i.record ->> 'end_user', external_name)))::json
    where i.organization_id = organization and external_name in (i.record ->> 'safety_identifier', i.record ->> 'end_user');
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

-- The time from which on an organization keeps its records: the beginning of a day in UTC, since sums are by day. Null: it
-- keeps all of them.
create or replace function chaperone.kept_from(organization uuid) returns timestamptz
  language sql stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select date_trunc('day', now() - (o.spec -> 'storage' ->> 'retention')::interval, 'UTC')
  from chaperone.organizations o
  where o.organization_id = organization
$$;
revoke all on function chaperone.kept_from(uuid) from public;

-- Adds to what retention has removed of an organization.
create or replace function chaperone.note_retention(organization uuid, what text, gone bigint) returns void
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  insert into chaperone.retention_states as s (organization_id, removed)
  select organization, jsonb_build_object(what, gone)
  where gone > 0
  on conflict (organization_id) do update
    set removed = s.removed || jsonb_build_object(what, coalesce((s.removed ->> what)::bigint, 0) + gone), updated_at = now()
$$;
revoke all on function chaperone.note_retention(uuid, text, bigint) from public;

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

-- The organizations whose records have an end.
create or replace function chaperone.retained_organizations() returns setof uuid
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select o.organization_id from chaperone.organizations o where o.spec -> 'storage' ->> 'retention' is not null
$$;
revoke all on function chaperone.retained_organizations() from public;
grant execute on function chaperone.retained_organizations() to chaperone_worker;
