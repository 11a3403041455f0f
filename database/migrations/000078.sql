-- What people who watch should see at once, for some minutes.
create table chaperone.live_events (
  organization_id uuid not null,
  number bigint not null,
  event text not null check (event in ('queue_update', 'sentiment_alert')),
  data jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, number)
);
alter table chaperone.live_events enable row level security;
create policy tenant on chaperone.live_events to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.live_events to chaperone_tenant;

-- The number of the last event.
create table chaperone.live_numbers (
  organization_id uuid primary key,
  number bigint not null
);
alter table chaperone.live_numbers enable row level security;
create policy tenant on chaperone.live_numbers to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.live_numbers to chaperone_tenant;

-- Copied from database/functions by `npm run generate`: edit those.

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
    when 'text batches' then
      delete from chaperone.text_batches b
        using chaperone.organizations o
        where o.organization_id = b.organization_id
          and b.completed_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'mappings' then
      delete from chaperone.anonymizations a
        using chaperone.organizations o
        where o.organization_id = a.organization_id
          and (a.mapping_encrypted is null
            or a.updated_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval);
    when 'live events' then
      delete from chaperone.live_events e where e.created_at <= now() - interval '10 minutes';
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
    when 'bounds' then
      delete from chaperone.call_bounds where since < now() - interval '30 days';
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
    when 'logins' then
      delete from chaperone.login_attempts a
        where a.last_at < now() - interval '1 day' and a.locked_until < now();
      delete from chaperone.logins l where l.expires_at <= now() or l.ended_at <= now();
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
  delete from chaperone.logins l where l.organization_id = organization and l.account_id = erased;
  delete from chaperone.login_attempts a where a.organization_id = organization and a.account_id = erased;
  delete from chaperone.anonymizations a where a.organization_id = organization and a.user_id = erased;
  delete from chaperone.text_batches b where b.organization_id = organization and b.user_id = erased;
  -- What people review of the person's words goes with what they have said about it.
  delete from chaperone.review_decisions d
    using chaperone.review_items i
    where i.organization_id = organization and i.about_user_id = erased
      and d.organization_id = organization and d.item_id = i.item_id;
  delete from chaperone.review_comments c
    using chaperone.review_items i
    where i.organization_id = organization and i.about_user_id = erased
      and c.organization_id = organization and c.item_id = i.item_id;
  delete from chaperone.review_items i where i.organization_id = organization and i.about_user_id = erased;
  -- And what the person, as a reviewer, has said about others' words. That they have decided stays.
  update chaperone.review_items i set claimed_by = null, claimed_until = null
    where i.organization_id = organization and i.claimed_by = erased;
  update chaperone.review_decisions d set contents_encrypted = null
    where d.organization_id = organization and d.user_id = erased;
  delete from chaperone.review_comments c where c.organization_id = organization and c.user_id = erased;
  -- Clients name texts, so nobody knows which of the last alerts are about the person.
  delete from chaperone.live_events e where e.organization_id = organization;
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

-- Tells the proxies of the session's own organization of something that people who watch should see at once. The row of
-- live_numbers is locked until the transaction ends, so numbers become visible in order, and who asks for all above a number
-- misses none. Call it last in a transaction.
create or replace function chaperone.tell_live(event text, data jsonb) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
  next bigint;
begin
  if organization is null then
    raise exception 'the session belongs to no organization' using errcode = 'insufficient_privilege';
  end if;
  insert into chaperone.live_numbers as n (organization_id, number) values (organization, 1)
    on conflict (organization_id) do update set number = n.number + 1
    returning n.number into next;
  insert into chaperone.live_events (organization_id, number, event, data) values (organization, next, event, data);
  perform pg_notify('chaperone_' || replace(organization::text, '-', ''), 'live');
end
$$;
revoke all on function chaperone.tell_live(text, jsonb) from public;
grant execute on function chaperone.tell_live(text, jsonb) to chaperone_tenant;
