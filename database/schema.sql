-- Generated from database/migrations by `npm run generate`: add a migration instead of editing this.

create schema chaperone;
grant usage on schema chaperone to chaperone_tenant;
grant usage on schema chaperone to chaperone_worker;

create type chaperone.request_line as (
  request_id text,
  started_at timestamp with time zone,
  kind text,
  operation text,
  user_id uuid,
  user_external_id text,
  session_id text,
  turn_id text,
  namespace text,
  workload text,
  persona_id uuid,
  api_key_id uuid,
  provider text,
  requested_model text,
  model text,
  is_stream boolean,
  status text,
  http_status integer,
  error_code text,
  response_id text,
  previous_response_id text,
  input_tokens bigint,
  cached_input_tokens bigint,
  cache_write_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  total_tokens bigint,
  cost_usd numeric(20,12),
  duration_ms integer,
  time_to_first_token_ms integer,
  conversation_id uuid,
  branch_id text,
  message_digest bigint,
  parent_digest bigint,
  new_messages integer,
  client_name text,
  client_version text,
  others json,
  quota text,
  contents_at integer,
  contents_length integer
);

set check_function_bodies = off;

CREATE OR REPLACE FUNCTION chaperone.add_delivery_of(organization uuid, webhook uuid, event uuid, about text, attempts integer)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
declare
  most constant integer := 10000;
  delivery constant uuid := gen_random_uuid();
begin
  if (select count(*) from (
        select from chaperone.webhook_deliveries d
        where d.organization_id = organization and d.webhook_id = webhook and d.state = 'waiting' limit most
      ) waiting) = most then
    insert into chaperone.webhook_deliveries (organization_id, delivery_id, webhook_id, event_id, subject, state, last_error, ended_at)
      values (organization, delivery, webhook, event, about, 'dead',
        format('backlog_full: %s deliveries wait for this webhook', most), now());
    return delivery;
  end if;
  insert into chaperone.webhook_deliveries (organization_id, delivery_id, webhook_id, event_id, subject)
    values (organization, delivery, webhook, event, about);
  if not exists (
      select from chaperone.webhook_deliveries d
      where d.organization_id = organization and d.webhook_id = webhook and d.subject = about and d.state = 'waiting'
        and d.delivery_id <> delivery) then
    perform chaperone.add_job_of(organization, 'deliver-webhook', delivery::text, null, attempts);
  end if;
  return delivery;
end
$function$;
revoke all on function chaperone.add_delivery_of(uuid,uuid,uuid,text,integer) from public;

CREATE OR REPLACE FUNCTION chaperone.add_job(task text, subject text, due timestamp with time zone, attempts integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  most constant integer := 50000;
  organization uuid := chaperone.current_organization_id();
begin
  if organization is null then
    raise exception 'the session belongs to no organization' using errcode = 'insufficient_privilege';
  end if;
  if (select count(*) from (
        select from graphile_worker._private_jobs j where j.payload ->> 'organization' = organization::text limit most
      ) waiting) = most then
    raise exception 'the organization has % background jobs', most using errcode = 'configuration_limit_exceeded';
  end if;
  return chaperone.add_job_of(organization, task, subject, due, attempts);
end
$function$;
revoke all on function chaperone.add_job(text,text,timestamp with time zone,integer) from public;
grant execute on function chaperone.add_job(text,text,timestamp with time zone,integer) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.add_job_of(organization uuid, task text, subject text, due timestamp with time zone, attempts integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
declare
  known constant text := format('%s/%s/%s', task, organization, subject);
  job bigint;
begin
  if task !~ '^[a-z][a-z0-9-]{0,59}$' or subject !~ '^[A-Za-z0-9_.:-]{1,100}$' or attempts not between 1 and 50 then
    raise exception 'a job needs a task, the id of a row, and 1 to 50 attempts' using errcode = 'check_violation';
  end if;
  select j.id into job from graphile_worker._private_jobs j
    where j.key = known and j.locked_at is null and j.attempts < j.max_attempts and j.run_at <= coalesce(due, now())
    -- Whoever takes the job now waits for this transaction, and then sees what it is about.
    for update;
  if job is not null then
    return job;
  end if;
  select j.id into job from graphile_worker.add_job(
    identifier => 'organization:' || task,
    payload => json_build_object('organization', organization, 'id', subject),
    run_at => due, max_attempts => attempts, job_key => known, flags => array['organization:' || organization]) j;
  return job;
end
$function$;
revoke all on function chaperone.add_job_of(uuid,text,text,timestamp with time zone,integer) from public;

CREATE OR REPLACE FUNCTION chaperone.anonymous_record(record json, stranger uuid)
 RETURNS json
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (record::jsonb || jsonb_build_object('user_id', stranger, 'user_external_id', null,
    'session_id', 'erased-' || md5((record ->> 'session_id') || stranger), 'turn_id', null, 'input_sealed', null,
    'output_sealed', null, 'client_name', null, 'client_version', null, 'safety_identifier', null,
    'end_user', null, 'conversation_id', null, 'branch_id', null, 'message_digest', null, 'parent_digest', null))::json
$function$;
revoke all on function chaperone.anonymous_record(json,uuid) from public;

CREATE OR REPLACE FUNCTION chaperone.append_audit(entries jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
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
$function$;
revoke all on function chaperone.append_audit(jsonb) from public;
grant execute on function chaperone.append_audit(jsonb) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.append_audit_of(organization uuid, entries jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
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
$function$;
revoke all on function chaperone.append_audit_of(uuid,jsonb) from public;

CREATE OR REPLACE FUNCTION chaperone.audit_pseudonyms(users jsonb)
 RETURNS TABLE(external_id text, at text, person text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
#variable_conflict use_column
begin
  return query
    select p.external_id, p.at, p.person
    from chaperone.audit_pseudonyms_of(chaperone.current_organization_id(), users) p;
end
$function$;
revoke all on function chaperone.audit_pseudonyms(jsonb) from public;
grant execute on function chaperone.audit_pseudonyms(jsonb) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.audit_pseudonyms_of(organization uuid, users jsonb)
 RETURNS TABLE(external_id text, at text, person text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
#variable_conflict use_column
declare
  one record;
  stranger uuid;
begin
  for one in select u.* from jsonb_to_recordset(users) as u (user_id uuid, external_id text, at text) loop
    external_id := one.external_id;
    at := one.at;
    stranger := chaperone.late_stranger(organization, one.user_id, one.at::timestamptz);
    if stranger is not null then
      person := 'erased-' || stranger;
    else
      insert into chaperone.audit_people as p (organization_id, external_id, salt, person)
        select organization, one.external_id, s.salt,
          'person:' || encode(sha256(s.salt || convert_to(one.external_id, 'UTF8')), 'hex')
        from (select uuid_send(gen_random_uuid()) as salt) s
        where not exists (
          select from chaperone.audit_people k where k.organization_id = organization and k.external_id = one.external_id)
        on conflict do nothing;
      select p.person into person
        from chaperone.audit_people p where p.organization_id = organization and p.external_id = one.external_id;
    end if;
    return next;
  end loop;
end
$function$;
revoke all on function chaperone.audit_pseudonyms_of(uuid,jsonb) from public;

CREATE OR REPLACE FUNCTION chaperone.beat_worker(worker text, silence_ms integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '2s'
AS $function$
declare
  released integer;
begin
  insert into chaperone.workers as w (worker_id) values (worker)
    on conflict (worker_id) do update set beat_at = clock_timestamp();
  delete from chaperone.workers w where w.beat_at < clock_timestamp() - silence_ms * interval '1 millisecond';
  update graphile_worker._private_jobs j
    set locked_at = null, locked_by = null,
      run_at = greatest(j.run_at, clock_timestamp() + (j.attempts - 1) * interval '5 seconds')
    where j.locked_by is not null and not exists (select from chaperone.workers w where w.worker_id = j.locked_by);
  get diagnostics released = row_count;
  return released;
end
$function$;
revoke all on function chaperone.beat_worker(text,integer) from public;
grant execute on function chaperone.beat_worker(text,integer) to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.close_organization_role(organization uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  login name := 'chaperone_org_' || replace(organization::text, '-', '');
begin
  delete from chaperone.organization_roles r where r.organization_id = organization;
  if exists (select from pg_roles where rolname = login) then
    execute format('alter role %I nologin password null connection limit 0', login);
    execute format('revoke chaperone_tenant from %I', login);
    perform pg_notify('chaperone_' || replace(organization::text, '-', ''), '');
  end if;
end
$function$;
revoke all on function chaperone.close_organization_role(uuid) from public;

CREATE OR REPLACE FUNCTION chaperone.count_ratings()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  come chaperone.ratings_by_day[] := '{}';
  gone chaperone.ratings_by_day[] := '{}';
begin
  if tg_op <> 'DELETE' then
    come := array(
      select row(organization_id, rated_at::date, coalesce(call_kind, 'call'), coalesce(persona_id, nobody),
        coalesce(model, requested_model, ''), coalesce(requested_model, ''), count(*), count(*) filter (where rating = 1))
      from made
      group by organization_id, rated_at::date, coalesce(call_kind, 'call'), coalesce(persona_id, nobody),
        coalesce(model, requested_model, ''), coalesce(requested_model, ''));
  end if;
  if tg_op <> 'INSERT' then
    gone := array(
      select row(organization_id, rated_at::date, coalesce(call_kind, 'call'), coalesce(persona_id, nobody),
        coalesce(model, requested_model, ''), coalesce(requested_model, ''), -count(*), -count(*) filter (where rating = 1))
      from former
      group by organization_id, rated_at::date, coalesce(call_kind, 'call'), coalesce(persona_id, nobody),
        coalesce(model, requested_model, ''), coalesce(requested_model, ''));
  end if;
  -- In the order of the key, so that two statements never wait for each other.
  insert into chaperone.ratings_by_day as d
    select organization_id, day, call_kind, persona_id, model, requested_model, sum(rated_count), sum(positive_count)
    from unnest(come || gone)
    group by organization_id, day, call_kind, persona_id, model, requested_model
    having sum(rated_count) <> 0 or sum(positive_count) <> 0
    order by organization_id, day, call_kind, persona_id, model, requested_model
    on conflict (organization_id, day, call_kind, persona_id, model, requested_model) do update
      set rated_count = d.rated_count + excluded.rated_count,
          positive_count = d.positive_count + excluded.positive_count;
  if cardinality(gone) > 0 then
    delete from chaperone.ratings_by_day d
      using unnest(gone) g
      where d.organization_id = g.organization_id and d.day = g.day and d.call_kind = g.call_kind
        and d.persona_id = g.persona_id and d.model = g.model and d.requested_model = g.requested_model
        and d.rated_count = 0;
  end if;
  return null;
end
$function$;
revoke all on function chaperone.count_ratings() from public;

CREATE OR REPLACE FUNCTION chaperone.count_support()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  conversations integer := case tg_op when 'INSERT' then 1 else 0 end;
  ai_resolved integer := (new.status = 'resolved' and new.escalated_at is null)::integer;
  escalated integer := (new.escalated_at is not null)::integer;
  answers integer := new.answers;
  response_ms bigint := new.response_ms;
  ratings integer := (new.rating is not null)::integer;
  rating_sum integer := coalesce(new.rating, 0);
begin
  if tg_op = 'UPDATE' then
    ai_resolved := ai_resolved - (old.status = 'resolved' and old.escalated_at is null)::integer;
    escalated := escalated - (old.escalated_at is not null)::integer;
    answers := answers - old.answers;
    response_ms := response_ms - old.response_ms;
    ratings := ratings - (old.rating is not null)::integer;
    rating_sum := rating_sum - coalesce(old.rating, 0);
    if (ai_resolved, escalated, answers, response_ms, ratings, rating_sum) = (0, 0, 0, 0, 0, 0) then
      return null;
    end if;
  end if;
  insert into chaperone.support_days as d
    values (new.organization_id, (new.created_at at time zone 'UTC')::date, conversations, ai_resolved, escalated, answers,
      response_ms, ratings, rating_sum)
    on conflict (organization_id, day) do update set
      conversations = d.conversations + excluded.conversations, ai_resolved = d.ai_resolved + excluded.ai_resolved,
      escalated = d.escalated + excluded.escalated, answers = d.answers + excluded.answers,
      response_ms = d.response_ms + excluded.response_ms, ratings = d.ratings + excluded.ratings,
      rating_sum = d.rating_sum + excluded.rating_sum;
  return null;
end
$function$;
revoke all on function chaperone.count_support() from public;

CREATE OR REPLACE FUNCTION chaperone.count_terms()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
begin
  if tg_op = 'INSERT' then
    insert into chaperone.knowledge_terms as t (organization_id, language, term, passages, variants)
      select c.organization_id, '', '', count(*), '{}' from changed c group by c.organization_id
      on conflict (organization_id, language, term) do update set passages = t.passages + excluded.passages;
    insert into chaperone.knowledge_terms as t (organization_id, language, term, passages, variants)
      select c.organization_id, c.language, w.lexeme, count(*), chaperone.term_variants(w.lexeme)
      from changed c cross join lateral unnest(c.words) w
      where w.lexeme <> chaperone.passage_scope(c.organization_id, c.language)
      group by c.organization_id, c.language, w.lexeme
      on conflict (organization_id, language, term) do update set passages = t.passages + excluded.passages;
  else
    update chaperone.knowledge_terms t set passages = t.passages - c.passages
      from (select g.organization_id, count(*) as passages from changed g group by g.organization_id) c
      where t.organization_id = c.organization_id and t.language = '' and t.term = '';
    with gone as (
      select c.organization_id, c.language, w.lexeme as term, count(*) as passages
      from changed c cross join lateral unnest(c.words) w
      where w.lexeme <> chaperone.passage_scope(c.organization_id, c.language)
      group by c.organization_id, c.language, w.lexeme
    ), ended as (
      delete from chaperone.knowledge_terms t using gone g
      where t.organization_id = g.organization_id and t.language = g.language and t.term = g.term
        and t.passages <= g.passages
    )
    update chaperone.knowledge_terms t set passages = t.passages - g.passages
      from gone g
      where t.organization_id = g.organization_id and t.language = g.language and t.term = g.term
        and t.passages > g.passages;
  end if;
  return null;
end
$function$;
revoke all on function chaperone.count_terms() from public;

CREATE OR REPLACE FUNCTION chaperone.current_organization_id()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
  select organization_id from chaperone.organization_roles where role_name = session_user
$function$;
revoke all on function chaperone.current_organization_id() from public;
grant execute on function chaperone.current_organization_id() to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.delete_article(article text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
begin
  perform chaperone.delete_article_of(a.organization_id, a.article_id)
  from chaperone.knowledge_articles a
  where a.organization_id = (select chaperone.current_organization_id()) and a.article_id = article and a.resource is null;
end
$function$;
revoke all on function chaperone.delete_article(text) from public;
grant execute on function chaperone.delete_article(text) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.delete_article_of(organization uuid, article text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
  delete from chaperone.knowledge_articles where organization_id = organization and article_id = article;
  delete from chaperone.knowledge_versions where organization_id = organization and article_id = article;
  with gone as (
    delete from chaperone.knowledge_passages where organization_id = organization and article_id = article
    returning text_digest
  )
  delete from chaperone.knowledge_vectors v using gone g
  where v.organization_id = organization and v.text_digest = g.text_digest
    and not exists (
      select from chaperone.knowledge_passages p
      where p.organization_id = organization and p.text_digest = v.text_digest and p.article_id <> article)
$function$;
revoke all on function chaperone.delete_article_of(uuid,text) from public;

CREATE OR REPLACE FUNCTION chaperone.delete_organization(organization uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  owned regclass;
begin
  for owned in
    select c.oid::regclass
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
    where c.relnamespace = 'chaperone'::regnamespace
      and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> 'organization_roles'
    order by c.relname = 'audit_log', c.relname
  loop
    execute format('delete from %s where organization_id = $1', owned) using organization;
  end loop;
  delete from graphile_worker._private_jobs j where j.payload ->> 'organization' = organization::text;
  perform pg_notify('chaperone_' || replace(organization::text, '-', ''), '');
end
$function$;
revoke all on function chaperone.delete_organization(uuid) from public;

CREATE OR REPLACE FUNCTION chaperone.delete_past_records(organization uuid, what text, most integer)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
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
    when 'review_items' then
      -- Those that nobody has touched since, open or not.
      with past as (
        delete from chaperone.review_items i
        where i.organization_id = organization and i.item_id in (
          select item_id from chaperone.review_items
          where organization_id = organization and updated_at < before limit most)
        returning i.item_id
      ), decisions as (
        delete from chaperone.review_decisions d using past p
        where d.organization_id = organization and d.item_id = p.item_id
      ), comments as (
        delete from chaperone.review_comments c using past p
        where c.organization_id = organization and c.item_id = p.item_id
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
          ('text_batches', 'created_at'), ('anonymizations', 'updated_at'), ('webhook_deliveries', 'ended_at')
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
  if what not in ('conversations', 'support_conversations', 'review_items', 'sessions') then
    get diagnostics gone = row_count;
  end if;
  perform chaperone.note_retention(organization, what, gone);
  return gone;
end
$function$;
revoke all on function chaperone.delete_past_records(uuid,text,integer) from public;
grant execute on function chaperone.delete_past_records(uuid,text,integer) to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.delete_past_rows(chore text)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
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
$function$;
revoke all on function chaperone.delete_past_rows(text) from public;
grant execute on function chaperone.delete_past_rows(text) to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.drop_organization_role(organization uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform chaperone.close_organization_role(organization);
  perform chaperone.remove_organization_role(organization);
end
$function$;
revoke all on function chaperone.drop_organization_role(uuid) from public;

CREATE OR REPLACE FUNCTION chaperone.drop_past_partition()
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '500ms'
AS $function$
declare
  part record;
  needed boolean;
  counts jsonb;
  patience text;
  is_locked boolean := false;
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
    -- The sums do not have all of it yet.
    continue when exists (
      select from chaperone.unfolded_usage u, unnest(u.started_at) as noted (at)
      where noted.at >= part.begins_at and noted.at < part.ends_at);
    foreach patience in array array['30ms', '30ms', '30ms', '60ms', '60ms', '120ms', '250ms', '500ms'] loop
      begin
        perform set_config('lock_timeout', patience, true);
        execute format('lock table chaperone.%I in access exclusive mode', part.parent);
        is_locked := true;
      exception when lock_not_available then
        -- Who waited goes on meanwhile.
        perform pg_sleep(0.1);
      end;
      exit when is_locked;
    end loop;
    if not is_locked then
      return null;
    end if;
    perform set_config('lock_timeout', '500ms', true);
    begin
      -- Some have come since. Nothing else is tried while everybody waits.
      if exists (
        select from chaperone.unfolded_usage u, unnest(u.started_at) as noted (at)
        where noted.at >= part.begins_at and noted.at < part.ends_at
      ) then
        return null;
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
$function$;
revoke all on function chaperone.drop_past_partition() from public;
grant execute on function chaperone.drop_past_partition() to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.embedding_space(spec jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (spec -> 'knowledgeBase' -> 'embedding' ->> 'model')
    || coalesce('@' || (spec -> 'knowledgeBase' -> 'embedding' ->> 'dimensions'), '')
$function$;
revoke all on function chaperone.embedding_space(jsonb) from public;

CREATE OR REPLACE FUNCTION chaperone.emit_event(type text, subject text, about_user uuid, data jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if organization is null then
    raise exception 'the session belongs to no organization' using errcode = 'insufficient_privilege';
  end if;
  return chaperone.emit_event_of(organization, type, subject, about_user, data);
end
$function$;
revoke all on function chaperone.emit_event(text,text,uuid,jsonb) from public;
grant execute on function chaperone.emit_event(text,text,uuid,jsonb) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.emit_event_of(organization uuid, type text, subject text, about_user uuid, data jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
declare
  -- Over 22 hours, by the pauses between attempts.
  attempts constant integer := 13;
  event constant uuid := gen_random_uuid();
  told uuid[] := array(
    select w.webhook_id
    from chaperone.webhooks w
      left join chaperone.webhook_states s on s.organization_id = w.organization_id and s.webhook_id = w.webhook_id
    where w.organization_id = organization and w.deleted_at is null and w.is_active and s.disabled_at is null
      and (w.events is null or emit_event_of.type = any (w.events))
    order by w.webhook_id);
  webhook uuid;
begin
  if told = '{}' then
    return 0;
  end if;
  -- Of a user who was erased meanwhile, nothing is told any more.
  if about_user is not null and chaperone.late_stranger(organization, about_user, now() - interval '1 hour') is not null then
    return 0;
  end if;
  -- The order of two deliveries is that of their commits. And whoever ends one waits, and so sees the next.
  perform chaperone.lock_subject(organization, subject);
  insert into chaperone.webhook_events (organization_id, event_id, type, subject, user_id, data)
    values (organization, event, type, subject, about_user, data);
  foreach webhook in array told loop
    perform chaperone.add_delivery_of(organization, webhook, event, subject, attempts);
  end loop;
  return cardinality(told);
end
$function$;
revoke all on function chaperone.emit_event_of(uuid,text,text,uuid,jsonb) from public;

CREATE OR REPLACE FUNCTION chaperone.end_organization_sessions(organization uuid, opened_until timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  login name := 'chaperone_org_' || replace(organization::text, '-', '');
  ended integer;
begin
  if not exists (select from pg_roles where rolname = login) then
    return 0;
  end if;
  if not pg_has_role(current_user, login, 'usage') then
    execute format('grant %I to %I', login, current_user);
  end if;
  select count(*) into ended
  from (
    select pg_terminate_backend(pid, 1000) from pg_stat_activity
    where usename = login and backend_start <= opened_until and pid <> pg_backend_pid()
  ) s;
  return ended;
end
$function$;
revoke all on function chaperone.end_organization_sessions(uuid,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION chaperone.ensure_organization_role(organization uuid, password_verifier text)
 RETURNS name
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  login name := 'chaperone_org_' || replace(organization::text, '-', '');
  connections integer;
begin
  if password_verifier !~ '^SCRAM-SHA-256\$' then
    raise exception 'the password must be given as a SCRAM-SHA-256 verifier';
  end if;
  if not exists (select from pg_roles where rolname = login) then
    execute format('create role %I login nosuperuser nocreatedb nocreaterole', login);
  end if;
  execute format('alter role %I login password %L', login, password_verifier);
  execute format('grant chaperone_tenant to %I', login);
  insert into chaperone.organization_roles (organization_id, role_name) values (organization, login)
    on conflict do nothing;
  update chaperone.organization_roles r set password_set_at = clock_timestamp() where r.organization_id = organization;
  select nullif(rolconnlimit, -1) into connections from pg_roles where rolname = login;
  perform chaperone.limit_organization_role(organization, coalesce(connections, 20));
  return login;
end
$function$;
revoke all on function chaperone.ensure_organization_role(uuid,text) from public;

CREATE OR REPLACE FUNCTION chaperone.ensure_request_partitions(at timestamp with time zone)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select
$function$;
revoke all on function chaperone.ensure_request_partitions(timestamp with time zone) from public;
grant execute on function chaperone.ensure_request_partitions(timestamp with time zone) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.ensure_worker_role(password_verifier text)
 RETURNS name
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  login name := 'chaperone_worker_' || left(md5(current_database()), 12);
begin
  if password_verifier !~ '^SCRAM-SHA-256\$' then
    raise exception 'the password must be given as a SCRAM-SHA-256 verifier';
  end if;
  if not exists (select from pg_roles where rolname = login) then
    execute format('create role %I login nosuperuser nocreatedb nocreaterole', login);
  end if;
  execute format('alter role %I login password %L', login, password_verifier);
  execute format('grant chaperone_worker to %I', login);
  return login;
end
$function$;
revoke all on function chaperone.ensure_worker_role(text) from public;

CREATE OR REPLACE FUNCTION chaperone.erase_user(erased uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '60s'
AS $function$
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
$function$;
revoke all on function chaperone.erase_user(uuid) from public;
grant execute on function chaperone.erase_user(uuid) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.expire_held_answers(most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  held record;
  expired integer := 0;
begin
  for held in
    select i.organization_id, i.item_id, i.about_user_id, i.category, i.priority, i.source, i.response_id
    from chaperone.review_items i
      join chaperone.organizations o on o.organization_id = i.organization_id
    where i.status = 'queued' and i.held_until <= clock_timestamp() and o.deleted_at is null
    order by i.organization_id, i.held_until
    limit most
    for update of i skip locked
  loop
    update chaperone.review_items i
      set status = 'reviewed', approved = false, claimed_by = null, claimed_until = null, reviewed_at = i.held_until,
        updated_at = clock_timestamp()
      where i.organization_id = held.organization_id and i.item_id = held.item_id;
    perform chaperone.emit_event_of(held.organization_id, 'review.decided', 'review/' || held.item_id, held.about_user_id,
      jsonb_build_object('item_id', held.item_id, 'category', held.category, 'priority', held.priority,
        'source', held.source, 'response_id', held.response_id, 'approved', false, 'edited', false, 'expired', true));
    perform chaperone.append_audit_of(held.organization_id, jsonb_build_array(jsonb_build_object(
      'id', gen_random_uuid(), 'at', to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'kind', 'api',
      'action', 'changed', 'subject', 'ReviewItem/' || held.item_id,
      'actor', jsonb_build_object('managers', jsonb_build_array(jsonb_build_object('manager', 'chaperone worker'))),
      'changes', jsonb_build_array(
        jsonb_build_object('field', 'review.approved', 'after', false),
        jsonb_build_object('field', 'review.expired', 'after', true),
        jsonb_build_object('field', 'review.status', 'before', 'queued', 'after', 'reviewed')))));
    perform chaperone.tell_live_of(held.organization_id, 'queue_update', jsonb_build_object('action', 'expired',
      'item_id', held.item_id, 'status', 'reviewed', 'category', held.category, 'priority', held.priority));
    expired := expired + 1;
  end loop;
  return expired;
end
$function$;
revoke all on function chaperone.expire_held_answers(integer) from public;
grant execute on function chaperone.expire_held_answers(integer) to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.figure_bounds()
 RETURNS TABLE(name text, most bigint)
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select name, most
  from (values
    -- A batch of 50,000 calls with all that a model takes has a tenth of this.
    (array['input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'total_tokens',
      'input_audio_tokens', 'input_image_tokens', 'output_audio_tokens', 'output_image_tokens', 'characters',
      'cached_audio_tokens', 'cached_image_tokens'], 1000000000000),
    (array['cost_usd', 'avoided_cost_usd', 'cache_savings_usd'], 10000000),
    -- Two weeks.
    (array['duration_ms', 'time_to_first_token_ms'], 1209600000),
    (array['images'], 1000000),
    (array['audio_seconds'], 100000000)
  ) bounds (names, most), unnest(names) as name
$function$;
revoke all on function chaperone.figure_bounds() from public;

CREATE OR REPLACE FUNCTION chaperone.find_answer(answer bytea, max_age_ms double precision, asker uuid, lease_ms double precision)
 RETURNS TABLE(answer_encrypted bytea, age_ms double precision, leased boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '2s'
AS $function$
#variable_conflict use_column
declare
  organization uuid := chaperone.current_organization_id();
  has_leased boolean := false;
begin
  if organization is null then
    return;
  end if;
  for attempt in 1..2 loop
    return query
      select a.answer_encrypted, extract(epoch from clock_timestamp() - a.kept_at)::double precision * 1000, false
      from chaperone.cached_answers a
      where a.organization_id = organization and a.answer_id = answer and a.expires_at > clock_timestamp()
        and a.kept_at > clock_timestamp() - max_age_ms * interval '1 millisecond';
    if found then
      if has_leased then
        delete from chaperone.answer_leases l where l.organization_id = organization and l.answer_id = answer;
      end if;
      return;
    end if;
    exit when lease_ms is null or has_leased;
    insert into chaperone.answer_leases as l (organization_id, answer_id, holder, leased_until)
      values (organization, answer, asker, clock_timestamp() + lease_ms * interval '1 millisecond')
      on conflict (organization_id, answer_id) do update
        set holder = excluded.holder, leased_until = excluded.leased_until
        where l.leased_until < clock_timestamp() or l.holder = excluded.holder;
    has_leased := found;
    -- Its former holder may have kept the answer since the first look.
    exit when not has_leased;
  end loop;
  return query select null::bytea, null::double precision, has_leased;
end
$function$;
revoke all on function chaperone.find_answer(bytea,double precision,uuid,double precision) from public;
grant execute on function chaperone.find_answer(bytea,double precision,uuid,double precision) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.fold_all_usage()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  organization uuid;
  count integer := 0;
begin
  for organization in select distinct u.organization_id from chaperone.unfolded_usage u loop
    perform chaperone.fold_some_usage_of(organization, false, 10);
    count := count + 1;
  end loop;
  return count;
end
$function$;
revoke all on function chaperone.fold_all_usage() from public;
grant execute on function chaperone.fold_all_usage() to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.fold_some_usage(wait boolean)
 RETURNS boolean
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
  select chaperone.fold_some_usage_of(chaperone.current_organization_id(), wait, (
    select greatest(1, 6000 / max(cardinality(u.request_id)))
    from chaperone.unfolded_usage u
    where u.organization_id = chaperone.current_organization_id()))
$function$;
revoke all on function chaperone.fold_some_usage(boolean) from public;
grant execute on function chaperone.fold_some_usage(boolean) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.fold_some_usage_of(organization uuid, wait boolean, most integer)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
 SET work_mem TO '32MB'
AS $function$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  -- Short of what a bigint holds, so that a sum that was cut can be added to.
  highest constant numeric := 9000000000000000000;
begin
  -- What a fold under way has taken is still to be seen until it ends, so nothing is missed here.
  if not exists (select from chaperone.unfolded_usage where organization_id = organization) then
    return false;
  end if;
  insert into chaperone.fold_turns (organization_id) values (organization) on conflict do nothing;
  if wait then
    perform from chaperone.fold_turns where organization_id = organization for update;
  else
    perform from chaperone.fold_turns where organization_id = organization for update skip locked;
    if not found then
      return false;
    end if;
  end if;

  with taken as (
    delete from chaperone.unfolded_usage
    where organization_id = organization
      and (most is null or pending_id = any (
        array(select pending_id from chaperone.unfolded_usage where organization_id = organization limit most)))
    returning started_at, request_id
  ), record as (
    -- Each record is looked up by its key, whatever the planner believes: without statistics, as in the partition of a new
    -- month, it would read all records of the organization for each note. It must not know which organization it is: one
    -- that its statistics do not have yet would look as if it had a record or none, and any index would do.
    select r.*
    from taken, unnest(taken.started_at, taken.request_id) as t (started_at, request_id),
      lateral (
        select * from chaperone.requests r
        where r.organization_id = (select organization) and r.started_at = t.started_at and r.request_id = t.request_id
        offset 0
      ) r
  ), fact as (
    select r.user_id, r.session_id, r.kind, (r.started_at at time zone 'UTC')::date as day,
      coalesce(r.persona_id, nobody) as persona_id, left(coalesce(r.model, r.requested_model, ''), 200) as model,
      left(coalesce(r.requested_model, ''), 200) as requested_model, r.status,
      p.cost_usd is null and (r.status = 'completed' and r.operation <> 'moderations'
        or coalesce(r.total_tokens, r.images, r.audio_seconds, r.characters) is not null) as is_unpriced,
      p.input_tokens, p.output_tokens, p.total_tokens, p.cost_usd, p.duration_ms, r.started_at,
      r.cache_status, p.avoided_cost_usd, p.cache_savings_usd
    from record r,
      lateral (
        select case when r.input_tokens between 0 and 1000000000000 then r.input_tokens end as input_tokens,
          case when r.output_tokens between 0 and 1000000000000 then r.output_tokens end as output_tokens,
          case when r.total_tokens between 0 and 1000000000000 then r.total_tokens end as total_tokens,
          case when r.cost_usd between 0 and 10000000 then r.cost_usd end as cost_usd,
          case when r.duration_ms between 0 and 1209600000 then r.duration_ms end as duration_ms,
          case when r.avoided_cost_usd between 0 and 10000000 then r.avoided_cost_usd end as avoided_cost_usd,
          case when r.cache_savings_usd between 0 and 10000000 then r.cache_savings_usd end as cache_savings_usd
      ) p
    where r.started_at >= '1970-01-01 00:00:00+00' and r.started_at < '10000-01-01 00:00:00+00'
      and length(r.session_id) <= 128
  ), part_sums as materialized (
    select user_id, session_id, kind, day, persona_id, model, requested_model, count(*)::integer as request_count,
      (count(*) filter (where status = 'completed'))::integer as completed_count,
      (count(*) filter (where status = 'failed'))::integer as failed_count,
      (count(*) filter (where status = 'cancelled'))::integer as cancelled_count,
      (count(*) filter (where status = 'interrupted'))::integer as interrupted_count,
      (count(*) filter (where is_unpriced))::integer as unpriced_count, least(coalesce(sum(input_tokens), 0), highest) as input_tokens,
      least(coalesce(sum(output_tokens), 0), highest) as output_tokens, least(coalesce(sum(total_tokens), 0), highest) as total_tokens,
      coalesce(sum(cost_usd), 0) as cost_usd, least(coalesce(sum(duration_ms), 0), highest) as duration_ms,
      count(duration_ms)::integer as duration_count, min(started_at) as first_request_at,
      max(started_at) as last_request_at, (count(*) filter (where cache_status = 'hit'))::integer as cache_hit_count,
      (count(*) filter (where cache_status = 'miss'))::integer as cache_miss_count,
      (count(*) filter (where cache_status = 'hit' and avoided_cost_usd is null))::integer as unpriced_hit_count,
      coalesce(sum(avoided_cost_usd), 0) as avoided_cost_usd, coalesce(sum(cache_savings_usd), 0) as cache_savings_usd
    from fact
    group by user_id, session_id, kind, day, persona_id, model, requested_model
  ), day_sums as materialized (
    select case grouping(user_id, persona_id) when 0 then 'both' when 1 then 'user' else 'persona' end as grain, day, kind,
      coalesce(user_id, nobody) as user_id, coalesce(persona_id, nobody) as persona_id, model, requested_model,
      sum(completed_count) as completed_count, sum(failed_count) as failed_count, sum(cancelled_count) as cancelled_count,
      sum(interrupted_count) as interrupted_count, sum(unpriced_count) as unpriced_count, least(sum(input_tokens), highest) as input_tokens,
      least(sum(output_tokens), highest) as output_tokens, least(sum(total_tokens), highest) as total_tokens, sum(cost_usd) as cost_usd,
      least(sum(duration_ms), highest) as duration_ms, sum(duration_count) as duration_count, max(last_request_at) as last_request_at,
      sum(cache_hit_count) as cache_hit_count, sum(cache_miss_count) as cache_miss_count,
      sum(unpriced_hit_count) as unpriced_hit_count, sum(avoided_cost_usd) as avoided_cost_usd,
      sum(cache_savings_usd) as cache_savings_usd
    from part_sums
    group by day, kind, model, requested_model, grouping sets ((user_id, persona_id), (user_id), (persona_id))
  ), days as (
    insert into chaperone.daily_usage as u (organization_id, grain, day, kind, user_id, persona_id, model, requested_model,
      completed_count, failed_count, cancelled_count, interrupted_count, unpriced_count, input_tokens, output_tokens,
      total_tokens, cost_usd, duration_ms, duration_count, last_request_at, cache_hit_count, cache_miss_count,
      unpriced_hit_count, avoided_cost_usd, cache_savings_usd)
    select organization, s.*
    from day_sums s
    on conflict (organization_id, grain, day, kind, user_id, persona_id, model, requested_model) do update
      set completed_count = u.completed_count + excluded.completed_count,
          failed_count = u.failed_count + excluded.failed_count,
          cancelled_count = u.cancelled_count + excluded.cancelled_count,
          interrupted_count = u.interrupted_count + excluded.interrupted_count,
          unpriced_count = u.unpriced_count + excluded.unpriced_count,
          input_tokens = least(u.input_tokens::numeric + excluded.input_tokens, highest),
          output_tokens = least(u.output_tokens::numeric + excluded.output_tokens, highest),
          total_tokens = least(u.total_tokens::numeric + excluded.total_tokens, highest),
          cost_usd = u.cost_usd + excluded.cost_usd,
          duration_ms = least(u.duration_ms::numeric + excluded.duration_ms, highest),
          duration_count = u.duration_count + excluded.duration_count,
          last_request_at = greatest(u.last_request_at, excluded.last_request_at),
          cache_hit_count = u.cache_hit_count + excluded.cache_hit_count,
          cache_miss_count = u.cache_miss_count + excluded.cache_miss_count,
          unpriced_hit_count = u.unpriced_hit_count + excluded.unpriced_hit_count,
          avoided_cost_usd = u.avoided_cost_usd + excluded.avoided_cost_usd,
          cache_savings_usd = u.cache_savings_usd + excluded.cache_savings_usd
  ), weeks as (
    insert into chaperone.weekly_usage as u (organization_id, grain, week, kind, user_id, persona_id, model, requested_model,
      completed_count, failed_count, cancelled_count, interrupted_count, unpriced_count, input_tokens, output_tokens,
      total_tokens, cost_usd, duration_ms, duration_count, last_request_at, cache_hit_count, cache_miss_count,
      unpriced_hit_count, avoided_cost_usd, cache_savings_usd)
    select organization, grain, date_trunc('week', day::timestamp)::date, kind, user_id, persona_id, model,
      requested_model, sum(completed_count), sum(failed_count),
      sum(cancelled_count), sum(interrupted_count), sum(unpriced_count), least(sum(input_tokens), highest), least(sum(output_tokens), highest),
      least(sum(total_tokens), highest), sum(cost_usd), least(sum(duration_ms), highest), sum(duration_count), max(last_request_at),
      sum(cache_hit_count), sum(cache_miss_count), sum(unpriced_hit_count), sum(avoided_cost_usd), sum(cache_savings_usd)
    from day_sums
    group by 2, 3, kind, user_id, persona_id, model, requested_model
    on conflict (organization_id, grain, week, kind, user_id, persona_id, model, requested_model) do update
      set completed_count = u.completed_count + excluded.completed_count,
          failed_count = u.failed_count + excluded.failed_count,
          cancelled_count = u.cancelled_count + excluded.cancelled_count,
          interrupted_count = u.interrupted_count + excluded.interrupted_count,
          unpriced_count = u.unpriced_count + excluded.unpriced_count,
          input_tokens = least(u.input_tokens::numeric + excluded.input_tokens, highest),
          output_tokens = least(u.output_tokens::numeric + excluded.output_tokens, highest),
          total_tokens = least(u.total_tokens::numeric + excluded.total_tokens, highest),
          cost_usd = u.cost_usd + excluded.cost_usd,
          duration_ms = least(u.duration_ms::numeric + excluded.duration_ms, highest),
          duration_count = u.duration_count + excluded.duration_count,
          last_request_at = greatest(u.last_request_at, excluded.last_request_at),
          cache_hit_count = u.cache_hit_count + excluded.cache_hit_count,
          cache_miss_count = u.cache_miss_count + excluded.cache_miss_count,
          unpriced_hit_count = u.unpriced_hit_count + excluded.unpriced_hit_count,
          avoided_cost_usd = u.avoided_cost_usd + excluded.avoided_cost_usd,
          cache_savings_usd = u.cache_savings_usd + excluded.cache_savings_usd
  ), parts as (
    insert into chaperone.session_usage as u (organization_id, user_id, session_id, kind, day, persona_id, model,
      requested_model, request_count, unpriced_count, total_tokens, cost_usd, first_request_at, last_request_at)
    select organization, user_id, session_id, kind, day, persona_id, model, requested_model, request_count, unpriced_count,
      total_tokens, cost_usd, first_request_at, last_request_at
    from part_sums
    on conflict (organization_id, user_id, session_id, kind, day, persona_id, model, requested_model) do update
      set request_count = u.request_count + excluded.request_count,
          unpriced_count = u.unpriced_count + excluded.unpriced_count,
          total_tokens = least(u.total_tokens::numeric + excluded.total_tokens, highest),
          cost_usd = u.cost_usd + excluded.cost_usd,
          first_request_at = least(u.first_request_at, excluded.first_request_at),
          last_request_at = greatest(u.last_request_at, excluded.last_request_at)
  ), seen as materialized (
    select p.user_id, p.session_id, s.first_call_at, s.last_call_at, s.facets, s.facets_first_call_at, s.facets_last_call_at
    from (select distinct user_id, session_id from part_sums) p,
      -- By its key, as a record is. The index of a user's sessions is of those with calls, which is not asked for here.
      lateral (
        select * from chaperone.sessions s
        where s.organization_id = (select organization) and s.user_id = p.user_id and s.session_id = p.session_id
        offset 0
      ) s
  ), spans as materialized (
    -- From the first to the last of a session's calls with each of its facets; with an empty one, of all its calls. What
    -- has none is of analyses, or of a call that lacks one.
    select user_id, session_id, facet, min(first_at) as first_at, max(last_at) as last_at,
      min(first_at) filter (where is_before) as first_at_before, max(last_at) filter (where is_before) as last_at_before
    from (
      select user_id, session_id, facet, first_request_at as first_at, last_request_at as last_at, false as is_before
      from part_sums, unnest(case when kind = 'call' then array['', 'persona:' || nullif(persona_id, nobody),
        'model:' || nullif(model, ''), 'model:' || nullif(requested_model, '')] else array[null] end) facet
      union all
      select user_id, session_id, '', first_call_at, last_call_at, true from seen where first_call_at is not null
      union all
      select user_id, session_id, before.*, true
      from seen, unnest(facets, facets_first_call_at, facets_last_call_at) before
    ) f
    group by user_id, session_id, facet
  ), span_sums as materialized (
    select facet, (first_at at time zone 'UTC')::date as first_day, (last_at at time zone 'UTC')::date as last_day, user_id,
      sum(sign) as session_count, least(greatest(sum(extract(epoch from duration)) * 1000, -highest), highest) as duration_ms
    from (
      select facet, user_id, 1 as sign, first_at, last_at, last_at - first_at as duration
      from spans
      where facet is not null
      union all
      select facet, user_id, -1, first_at_before, last_at_before, first_at_before - last_at_before
      from spans
      where first_at_before is not null
    ) f
    group by 1, 2, 3, user_id
  ), session_spans as (
    insert into chaperone.session_spans as s (organization_id, first_day, last_day, user_id, session_count, duration_ms)
    select organization, first_day, last_day, user_id, session_count, duration_ms
    from span_sums
    where facet = ''
    on conflict (organization_id, first_day, last_day, user_id) do update
      set session_count = s.session_count + excluded.session_count,
          duration_ms = least(greatest(s.duration_ms::numeric + excluded.duration_ms, -highest), highest)
  ), facet_spans as (
    insert into chaperone.facet_spans as s (organization_id, facet, first_day, last_day, user_id, session_count, duration_ms)
    select organization, f.*
    from span_sums f
    where facet <> ''
    on conflict (organization_id, facet, first_day, last_day, user_id) do update
      set session_count = s.session_count + excluded.session_count,
          duration_ms = least(greatest(s.duration_ms::numeric + excluded.duration_ms, -highest), highest)
  ), new_facets as (
    insert into chaperone.session_facets (organization_id, facet, user_id, first_call_at, session_id, first_call_day,
      last_call_day)
    select organization, facet, user_id, first_at, session_id, (first_at at time zone 'UTC')::date,
      (last_at at time zone 'UTC')::date
    from spans
    where facet <> '' and first_at_before is null
  ), moved_facets as (
    update chaperone.session_facets s
    set first_call_at = f.first_at, first_call_day = (f.first_at at time zone 'UTC')::date,
        last_call_day = (f.last_at at time zone 'UTC')::date
    from (
      select f.first_at, f.last_at, m.place
      from spans f,
        -- By its key, or by its time, which few share.
        lateral (
          select m.ctid as place from chaperone.session_facets m
          where m.organization_id = (select organization) and m.facet = f.facet and m.user_id = f.user_id
            and m.first_call_at = f.first_at_before and m.session_id = f.session_id
          offset 0
        ) m
      where f.facet <> '' and (f.first_at < f.first_at_before
        or (f.last_at at time zone 'UTC')::date > (f.last_at_before at time zone 'UTC')::date)
    ) f
    where s.ctid = f.place
  )
  insert into chaperone.sessions as s (organization_id, user_id, session_id, started_at, last_request_at, first_call_at,
    last_call_at, first_call_day, last_call_day, facets, facets_first_call_at, facets_last_call_at)
  select organization, user_id, session_id, min(first_at), max(last_at), min(first_at) filter (where facet = ''),
    max(last_at) filter (where facet = ''), (min(first_at) filter (where facet = '') at time zone 'UTC')::date,
    (max(last_at) filter (where facet = '') at time zone 'UTC')::date, array_agg(facet) filter (where facet <> ''),
    array_agg(first_at) filter (where facet <> ''), array_agg(last_at) filter (where facet <> '')
  from spans
  group by user_id, session_id
  on conflict (organization_id, user_id, session_id) do update
    set started_at = least(s.started_at, excluded.started_at),
        last_request_at = greatest(s.last_request_at, excluded.last_request_at),
        first_call_at = excluded.first_call_at, last_call_at = excluded.last_call_at,
        first_call_day = excluded.first_call_day, last_call_day = excluded.last_call_day, facets = excluded.facets,
        facets_first_call_at = excluded.facets_first_call_at, facets_last_call_at = excluded.facets_last_call_at;

  update chaperone.ratings r
  set call_kind = q.kind, persona_id = q.persona_id, model = q.model, requested_model = q.requested_model
  from chaperone.requests q
  where r.organization_id = organization and r.call_kind is null and q.organization_id = organization
    and q.request_id = r.request_id and q.started_at = case when r.request_id ~ '^req_[0-9a-f]{32}$'
      then timestamptz 'epoch' + ('x' || substr(r.request_id, 5, 12))::bit(48)::bigint * interval '1 millisecond'
    end;
  return exists (select from chaperone.unfolded_usage where organization_id = organization);
end
$function$;
revoke all on function chaperone.fold_some_usage_of(uuid,boolean,integer) from public;

CREATE OR REPLACE FUNCTION chaperone.fold_usage(wait boolean)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
  select chaperone.fold_usage_of(chaperone.current_organization_id(), wait)
$function$;
revoke all on function chaperone.fold_usage(boolean) from public;
grant execute on function chaperone.fold_usage(boolean) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.fold_usage_of(organization uuid, wait boolean)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select chaperone.fold_some_usage_of(organization, wait, null)
$function$;
revoke all on function chaperone.fold_usage_of(uuid,boolean) from public;

CREATE OR REPLACE FUNCTION chaperone.folded_records(organization uuid, days date[])
 RETURNS TABLE(user_id uuid, session_id text, kind text, day date, persona_id uuid, model text, requested_model text, is_unpriced boolean, input_tokens bigint, output_tokens bigint, total_tokens bigint, cost_usd numeric, duration_ms integer, cache_status text, avoided_cost_usd numeric, cache_savings_usd numeric)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
  select r.user_id, r.session_id, r.kind, (r.started_at at time zone 'UTC')::date,
    coalesce(r.persona_id, '00000000-0000-0000-0000-000000000000'), left(coalesce(r.model, r.requested_model, ''), 200),
    left(coalesce(r.requested_model, ''), 200),
    r.cost_usd is null and (r.status = 'completed' and r.operation <> 'moderations'
      or coalesce(r.total_tokens, r.images, r.audio_seconds, r.characters) is not null),
    r.input_tokens, r.output_tokens, r.total_tokens, r.cost_usd, r.duration_ms,
    r.cache_status, r.avoided_cost_usd, r.cache_savings_usd
  from unnest(days) d
    join chaperone.requests r
      on r.organization_id = organization and r.started_at >= d::timestamptz and r.started_at < (d + 1)::timestamptz
  where isfinite(d)
    and not exists (
      select from chaperone.unfolded_usage f where f.organization_id = organization and r.request_id = any (f.request_id))
$function$;
revoke all on function chaperone.folded_records(uuid,date[]) from public;

CREATE OR REPLACE FUNCTION chaperone.forget_late()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
declare
  stranger uuid;
begin
  case tg_table_name
    when 'pending_calls', 'job_intents' then
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
$function$;
revoke all on function chaperone.forget_late() from public;

CREATE OR REPLACE FUNCTION chaperone.has_organization_role_settings(login name)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with wanted as materialized (
    -- Once: it takes as long as all the rest, and every reconciliation of an Organization asks.
    select chaperone.organization_role_settings() as settings
  ), own as (
    select s.setdatabase, unnest(s.setconfig) as setting
    from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
    where r.rolname = login
  )
  select not exists (
      select from wanted, unnest(settings) expected
      where not exists (select from own where setdatabase = 0 and setting = expected))
    and not exists (
      select from own
      where (setdatabase <> 0 or setting <> all ((select settings from wanted)::text[]))
        and (split_part(setting, '=', 1) in ('role', 'session_authorization')
          or exists (select from pg_settings s where s.name = split_part(own.setting, '=', 1) and s.context = 'user')))
$function$;
revoke all on function chaperone.has_organization_role_settings(name) from public;

CREATE OR REPLACE FUNCTION chaperone.hold_answers(answers bytea[], asker uuid, lease_ms double precision)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '2s'
AS $function$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if lease_ms is null then
    delete from chaperone.answer_leases l
      where l.organization_id = organization and l.answer_id = any (answers) and l.holder = asker;
  else
    update chaperone.answer_leases l set leased_until = clock_timestamp() + lease_ms * interval '1 millisecond'
      where l.organization_id = organization and l.answer_id = any (answers) and l.holder = asker;
  end if;
end
$function$;
revoke all on function chaperone.hold_answers(bytea[],uuid,double precision) from public;
grant execute on function chaperone.hold_answers(bytea[],uuid,double precision) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.keep_answer(answer bytea, sealed bytea, size integer, ttl_ms double precision, max_bytes bigint, began_at timestamp with time zone, asker uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  organization uuid := chaperone.current_organization_id();
  at timestamptz := clock_timestamp();
  held bigint;
  excess bigint;
  freed bigint;
begin
  if organization is null then
    return false;
  end if;
  insert into chaperone.cached_bytes (organization_id, bytes) values (organization, 0) on conflict do nothing;
  -- Whoever deletes or keeps answers locks this row first, so that none waits for another in a circle.
  select c.bytes into held from chaperone.cached_bytes c where c.organization_id = organization for update;
  delete from chaperone.answer_leases l
    where l.organization_id = organization and l.answer_id = answer and l.holder = asker;
  if size > max_bytes
      or exists (select from chaperone.erased_users e where e.organization_id = organization and e.erased_at >= began_at) then
    return false;
  end if;
  with gone as (
    delete from chaperone.cached_answers a
      where a.organization_id = organization and (a.answer_id = answer or a.expires_at <= at)
      returning a.bytes
  )
  select held - coalesce(sum(g.bytes), 0) into held from gone g;
  loop
    excess := held + size - max_bytes;
    exit when excess <= 0;
    with oldest as (
      select a.answer_id, sum(a.bytes) over (order by a.kept_at, a.answer_id) - a.bytes as before
      from (
        select o.answer_id, o.kept_at, o.bytes from chaperone.cached_answers o
        where o.organization_id = organization order by o.kept_at, o.answer_id limit 1000
      ) a
    ), gone as (
      delete from chaperone.cached_answers a using oldest o
        where a.organization_id = organization and a.answer_id = o.answer_id and o.before < excess
        returning a.bytes
    )
    select coalesce(sum(g.bytes), 0) into freed from gone g;
    if freed = 0 then
      -- The table is empty, as after a crash of the server.
      held := 0;
    end if;
    held := held - freed;
  end loop;
  insert into chaperone.cached_answers (organization_id, answer_id, answer_encrypted, bytes, kept_at, expires_at)
    values (organization, answer, sealed, size, at, at + ttl_ms * interval '1 millisecond');
  update chaperone.cached_bytes c set bytes = held + size where c.organization_id = organization;
  delete from chaperone.answer_leases l where l.organization_id = organization and l.leased_until < at - interval '1 minute';
  return true;
end
$function$;
revoke all on function chaperone.keep_answer(bytea,bytea,integer,double precision,bigint,timestamp with time zone,uuid) from public;
grant execute on function chaperone.keep_answer(bytea,bytea,integer,double precision,bigint,timestamp with time zone,uuid) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.keep_audit_log()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;
revoke all on function chaperone.keep_audit_log() from public;

CREATE OR REPLACE FUNCTION chaperone.kept_from(organization uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
  select date_trunc('day', now() - (o.spec -> 'storage' ->> 'retention')::interval, 'UTC')
  from chaperone.organizations o
  where o.organization_id = organization
$function$;
revoke all on function chaperone.kept_from(uuid) from public;

CREATE OR REPLACE FUNCTION chaperone.late_stranger(organization uuid, user_id uuid, at timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select e.stranger
  from chaperone.erased_users e
  where e.organization_id = organization and e.user_digest = chaperone.user_digest(organization, user_id)
    and e.erased_at > at
$function$;
revoke all on function chaperone.late_stranger(uuid,uuid,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION chaperone.lease_quota(demands jsonb)
 RETURNS TABLE(counter_id bigint, lease_id bigint, granted bigint, room bigint, is_current boolean, at_ms double precision)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
#variable_conflict use_column
declare
  organization uuid := chaperone.current_organization_id();
  at timestamptz := chaperone.quota_now();
begin
  if organization is null then
    return;
  end if;
  return query
    select l.counter_id, l.lease_id, l.granted, l.room, l.is_current, extract(epoch from at)::double precision * 1000
    from chaperone.lease_quota_of(organization, demands, at) l;
end
$function$;
revoke all on function chaperone.lease_quota(jsonb) from public;
grant execute on function chaperone.lease_quota(jsonb) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.lease_quota_of(organization uuid, demands jsonb, at timestamp with time zone)
 RETURNS TABLE(counter_id bigint, lease_id bigint, granted bigint, room bigint, is_current boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
#variable_conflict use_column
declare
  -- For how long a place is kept for a proxy whose last demand was refused. Clients are told to come again after 1 s.
  lacking constant interval := '2.5 s';
  demand record;
  mine record;
  folded bigint;
  total bigint;
  others bigint;
  holders bigint;
  floor bigint;
  highest bigint;
  level bigint;
  since timestamptz;
  earlier bigint;
  poorer bigint;
  has_pending boolean := exists (
    select from chaperone.pending_calls p
    where p.organization_id = organization and p.settled_at is null and p.quota is not null);
begin
  -- In one order, so that no two proxies wait for each other.
  for demand in
    select *
    from jsonb_to_recordset(demands) as d (counter bigint, lease bigint, rule text, unit text, per text, scope text,
      start_ms bigint, end_ms bigint, amount bigint, spent bigint, smallest bigint, wanted bigint, target bigint,
      ends boolean, ttl_ms integer)
    order by counter, lease
  loop
    insert into chaperone.quota_counters (organization_id, counter_id, rule, unit, per, scope, window_start, window_end)
      values (organization, demand.counter, demand.rule, demand.unit, demand.per, demand.scope,
        timestamptz 'epoch' + demand.start_ms * interval '1 millisecond',
        case when demand.end_ms is null then 'infinity' else timestamptz 'epoch' + demand.end_ms * interval '1 millisecond' end)
      on conflict do nothing;
    select used into total from chaperone.quota_counters c
      where c.organization_id = organization and c.counter_id = demand.counter for update;
    -- Ended leases whose records have all arrived, or will no longer arrive.
    with ended as (
      delete from chaperone.quota_leases l
      where (l.organization_id, l.counter_id, l.lease_id) in (
          select e.organization_id, e.counter_id, e.lease_id
          from chaperone.quota_leases e
          where e.organization_id = organization and e.counter_id = demand.counter and e.lease_id <> demand.lease
            and e.expires_at <= at and (e.settled >= e.spent or demand.unit = 'concurrent' or e.expires_at <= at - interval '1 hour')
          for update skip locked)
      returning l.settled
    )
    select coalesce(sum(settled), 0) into folded from ended;
    if folded > 0 then
      update chaperone.quota_counters c set used = used + folded
        where c.organization_id = organization and c.counter_id = demand.counter;
    end if;
    -- A counter that was not used for long may have been deleted since the insert.
    total := coalesce(total, 0) + folded;

    select coalesce(sum(chaperone.quota_held(demand.unit, l.granted, l.spent, l.settled, l.expires_at, at)), 0),
        count(*) filter (where l.expires_at > at) + 1
      into others, holders
      from chaperone.quota_leases l
      where l.organization_id = organization and l.counter_id = demand.counter and l.lease_id <> demand.lease;
    if has_pending then
      others := others + chaperone.quota_pending(organization, demand.counter);
    end if;
    -- Whose calls have ended had places until now.
    select l.granted, l.settled, l.lacked_at,
        case when l.lacked_at > at - lacking and demand.spent >= l.spent then l.lacks_since end as lacks_since
      into mine from chaperone.quota_leases l
      where l.organization_id = organization and l.counter_id = demand.counter and l.lease_id = demand.lease for update;
    floor := greatest(demand.spent, coalesce(mine.settled, 0), 0);
    highest := demand.amount - total - others;
    earlier := 0;
    poorer := 0;
    if demand.unit = 'concurrent' then
      select count(*) filter (where h.places < floor or (h.places = floor and h.lacks_since < coalesce(mine.lacks_since, at))),
          count(*) filter (where h.places = 0 or h.places < floor - 1)
        into earlier, poorer
        from (
          select l.lacks_since, greatest(l.granted, l.spent) as places
          from chaperone.quota_leases l
          where l.organization_id = organization and l.counter_id = demand.counter and l.lease_id <> demand.lease
            and l.expires_at > at and l.lacked_at > at - lacking) h;
      -- What is free beyond the calls of this proxy is for those first.
      highest := greatest(highest - earlier, least(highest, floor));
    end if;
    is_current := (demand.end_ms is null or demand.end_ms > extract(epoch from at) * 1000)
      and demand.start_ms <= extract(epoch from at) * 1000 + 60000;
    if not is_current or demand.ends or greatest(demand.target, demand.wanted) <= floor then
      level := floor;
    elsif highest < demand.smallest then
      level := greatest(floor, least(coalesce(mine.granted, 0), highest));
    else
      level := greatest(demand.wanted, least(demand.target,
        greatest(least(coalesce(mine.granted, 0), demand.target), floor + greatest((highest - floor) / (holders + 1), demand.smallest - floor))));
      level := greatest(floor, least(level, highest));
    end if;
    since := case
      when demand.unit <> 'concurrent' or demand.ends then null
      when demand.wanted > level and level > demand.spent then at
      when demand.wanted > level then coalesce(mine.lacks_since, at)
      when demand.wanted = demand.spent then mine.lacks_since
    end;
    insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, granted, spent, settled, expires_at,
        lacks_since, lacked_at)
      values (organization, demand.counter, demand.lease, level, greatest(demand.spent, 0), 0,
        case when demand.ends or not is_current then at else at + least(demand.ttl_ms, 300000) * interval '1 millisecond' end,
        since, case when since is null then null when demand.wanted > level then at else mine.lacked_at end)
      on conflict on constraint quota_leases_pkey do update
        set granted = excluded.granted, spent = excluded.spent, expires_at = excluded.expires_at,
          lacks_since = excluded.lacks_since, lacked_at = excluded.lacked_at;
    counter_id := demand.counter;
    lease_id := demand.lease;
    granted := level;
    -- What is free already need not be given back.
    room := highest - level;
    if room <= 0 and poorer > 0 and level = floor then
      room := least(0, greatest(demand.amount - total - others - level, 0) - poorer);
    end if;
    return next;
  end loop;
end
$function$;
revoke all on function chaperone.lease_quota_of(uuid,jsonb,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION chaperone.leave_worker(worker text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '2s'
AS $function$
begin
  delete from chaperone.workers w where w.worker_id = worker;
  update graphile_worker._private_jobs j set locked_at = null, locked_by = null where j.locked_by = worker;
end
$function$;
revoke all on function chaperone.leave_worker(text) from public;
grant execute on function chaperone.leave_worker(text) to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.limit_organization_role(organization uuid, connections integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  login name := (select r.role_name from chaperone.organization_roles r where r.organization_id = organization);
  setting text;
  place name;
begin
  execute format('alter role %I reset all', login);
  for place in
    select d.datname
    from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
    where s.setrole = (select oid from pg_roles where rolname = login)
  loop
    execute format('alter role %I in database %I reset all', login, place);
  end loop;
  foreach setting in array chaperone.organization_role_settings() loop
    execute format('alter role %I set %I = %L', login, split_part(setting, '=', 1), split_part(setting, '=', 2));
  end loop;
  execute format('alter role %I connection limit %s', login, connections);
  if not pg_has_role(current_user, login, 'usage') then
    execute format('grant %I to %I', login, current_user);
  end if;
  update chaperone.organization_roles r set limited_at = now() where r.organization_id = organization;
end
$function$;
revoke all on function chaperone.limit_organization_role(uuid,integer) from public;

CREATE OR REPLACE FUNCTION chaperone.list_jobs(wanted_state text, most integer, skipped integer)
 RETURNS TABLE(job_id bigint, task text, subject text, state text, attempts integer, max_attempts integer, due_at timestamp with time zone, added_at timestamp with time zone, last_error text, total bigint)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
#variable_conflict use_column
begin
  return query
  with own as (
    select j.id, t.identifier, j.payload ->> 'id' as subject, j.attempts, j.max_attempts, j.run_at, j.created_at, j.last_error,
      case when j.locked_at is not null then 'running' when j.attempts < j.max_attempts then 'waiting' else 'dead' end as state
    from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
    where j.payload ->> 'organization' = chaperone.current_organization_id()::text
  )
  select o.id, regexp_replace(o.identifier, '^organization:', ''), o.subject, o.state, o.attempts::integer,
    o.max_attempts::integer, o.run_at, o.created_at, o.last_error, count(*) over ()
  from own o
  where wanted_state is null or o.state = wanted_state
  order by o.id
  limit most offset skipped;
end
$function$;
revoke all on function chaperone.list_jobs(text,integer,integer) from public;
grant execute on function chaperone.list_jobs(text,integer,integer) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.lock_subject(organization uuid, subject text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select pg_advisory_xact_lock(hashtextextended(format('%s/%s', organization, subject), 0))
$function$;
revoke all on function chaperone.lock_subject(uuid,text) from public;
grant execute on function chaperone.lock_subject(uuid,text) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.look_for_lost_calls()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
begin
  delete from chaperone.job_intents i
    using chaperone.requests r
    where r.organization_id = i.organization_id and r.started_at = i.started_at and r.request_id = i.request_id;
  update chaperone.job_intents i
    set lost_at = case when i.lost_at is null then clock_timestamp() end
    where (i.lost_at is null) <> exists (select from chaperone.workers w where w.worker_id = i.worker_id);
  perform chaperone.add_job_of(l.organization_id, 'settle-calls', 'all', null, 5)
    from (
      select distinct i.organization_id
      from chaperone.job_intents i
        join chaperone.organizations o on o.organization_id = i.organization_id and o.deleted_at is null
      where i.lost_at < clock_timestamp() - interval '10 minutes'
    ) l;
end
$function$;
revoke all on function chaperone.look_for_lost_calls() from public;
grant execute on function chaperone.look_for_lost_calls() to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.make_request_partitions(at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '2s'
AS $function$
declare
  most constant integer := 100000;
  month_start timestamptz := date_trunc('month', at, 'UTC');
  month_end timestamptz := month_start + interval '1 month';
  suffix text := to_char(at at time zone 'UTC', 'YYYY_MM');
  parent text;
  fresh text;
  early integer;
begin
  if at < now() - interval '2 years' or at > now() + interval '1 year' then
    return;
  end if;
  foreach parent in array array['requests', 'request_contents'] loop
    fresh := format('chaperone.%I', parent || '_' || suffix);
    continue when to_regclass(fresh) is not null;
    -- One at a time, and nobody adds to what is moved.
    execute format('lock table chaperone.%I in access exclusive mode', parent || '_default');
    continue when to_regclass(fresh) is not null;
    execute format(
      'select count(*) from (select from chaperone.%I where started_at >= $1 and started_at < $2 limit $3) early',
      parent || '_default') into early using month_start, month_end, most + 1;
    if early > most then
      raise exception 'more than % records of % are in %_default, so this month stays there', most, suffix, parent
        using errcode = 'object_not_in_prerequisite_state';
    end if;
    execute format('create table %s (like chaperone.%I including defaults including constraints)', fresh, parent);
    execute format('alter table %s enable row level security', fresh);
    if parent = 'request_contents' then
      execute format('alter table %s set (toast_tuple_target = 8160)', fresh);
    end if;
    -- With them in the default partition the month could not be attached.
    execute format('with moved as (delete from chaperone.%I where started_at >= $1 and started_at < $2 returning *)
      insert into %s select * from moved', parent || '_default', fresh) using month_start, month_end;
    execute format('alter table chaperone.%I attach partition %s for values from (%L) to (%L)',
      parent, fresh, month_start, month_end);
  end loop;
end
$function$;
revoke all on function chaperone.make_request_partitions(timestamp with time zone) from public;
grant execute on function chaperone.make_request_partitions(timestamp with time zone) to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.neutralise_figures(part regclass)
 RETURNS TABLE(organization_id uuid, records bigint)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
#variable_conflict use_column
declare
  assignments text;
  bounds text;
  changed record;
begin
  select string_agg(format('%1$I = case when %1$I between 0 and %2$s then %1$I end', name, most), ', '),
    string_agg(format('coalesce(%I between 0 and %s, true)', name, most), ' and ')
    into assignments, bounds
  from chaperone.figure_bounds() where name <> 'cost_usd';
  for changed in execute format(
    'with changed as (
       update %1$s set %2$s, cost_usd = case when %3$s and cost_usd between 0 and 10000000 then cost_usd end
       where not (%3$s and coalesce(cost_usd between 0 and 10000000, true))
       returning organization_id, (started_at at time zone ''UTC'')::date as day
     )
     select organization_id, array_agg(distinct day) as days, count(*) as records from changed group by 1',
    part, assignments, bounds)
  loop
    perform chaperone.fold_some_usage_of(changed.organization_id, true, null);
    perform chaperone.sum_usage_again(changed.organization_id, changed.days);
    organization_id := changed.organization_id;
    records := changed.records;
    return next;
  end loop;
end
$function$;
revoke all on function chaperone.neutralise_figures(regclass) from public;

CREATE OR REPLACE FUNCTION chaperone.note_conversations()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
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
$function$;
revoke all on function chaperone.note_conversations() from public;

CREATE OR REPLACE FUNCTION chaperone.note_erasure(erased uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if not exists (select from chaperone.users u where u.organization_id = organization and u.user_id = erased) then
    return false;
  end if;
  insert into chaperone.erased_users as e (organization_id, user_digest, stranger, erased_at)
    values (organization, chaperone.user_digest(organization, erased), gen_random_uuid(), clock_timestamp())
    on conflict (organization_id, user_digest) do update set stranger = excluded.stranger, erased_at = excluded.erased_at;
  return true;
end
$function$;
revoke all on function chaperone.note_erasure(uuid) from public;
grant execute on function chaperone.note_erasure(uuid) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.note_retention(organization uuid, what text, gone bigint)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into chaperone.retention_states as s (organization_id, removed)
  select organization, jsonb_build_object(what, gone)
  where gone > 0
  on conflict (organization_id) do update
    set removed = s.removed || jsonb_build_object(what, coalesce((s.removed ->> what)::bigint, 0) + gone), updated_at = now()
$function$;
revoke all on function chaperone.note_retention(uuid,text,bigint) from public;

CREATE OR REPLACE FUNCTION chaperone.note_usage()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
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
$function$;
revoke all on function chaperone.note_usage() from public;

CREATE OR REPLACE FUNCTION chaperone.organization_role_settings()
 RETURNS text[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select array['search_path=chaperone', 'statement_timeout=12s', 'lock_timeout=10s', 'idle_in_transaction_session_timeout=30s']
    -- Since PostgreSQL 17.
    || array(select 'transaction_timeout=60s' from pg_settings where name = 'transaction_timeout')
$function$;
revoke all on function chaperone.organization_role_settings() from public;

CREATE OR REPLACE FUNCTION chaperone.passage_scope(organization uuid, language text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select organization::text || ' ' || language
$function$;
revoke all on function chaperone.passage_scope(uuid,text) from public;
grant execute on function chaperone.passage_scope(uuid,text) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.prune_audit(organization uuid, before timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
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
$function$;
revoke all on function chaperone.prune_audit(uuid,timestamp with time zone) from public;

CREATE OR REPLACE FUNCTION chaperone.prune_webhooks(kept interval)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  delete from chaperone.webhook_deliveries d where d.ended_at < now() - kept;
  delete from chaperone.webhook_events e
    where e.occurred_at < now() - kept
      and not exists (
        select from chaperone.webhook_deliveries d
        where d.organization_id = e.organization_id and d.event_id = e.event_id);
  delete from chaperone.webhooks w where w.deleted_at < now() - kept;
  delete from chaperone.webhook_states s
    where not exists (
      select from chaperone.webhooks w where w.organization_id = s.organization_id and w.webhook_id = s.webhook_id);
end
$function$;
revoke all on function chaperone.prune_webhooks(interval) from public;

CREATE OR REPLACE FUNCTION chaperone.quota_held(unit text, granted bigint, spent bigint, settled bigint, expires_at timestamp with time zone, at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case
    when unit = 'concurrent' then case when expires_at > at then greatest(granted, spent) else 0 end
    when expires_at > at then greatest(granted, spent, settled)
    when expires_at > at - interval '1 hour' then greatest(spent, settled)
    else settled
  end
$function$;
revoke all on function chaperone.quota_held(text,bigint,bigint,bigint,timestamp with time zone,timestamp with time zone) from public;
grant execute on function chaperone.quota_held(text,bigint,bigint,bigint,timestamp with time zone,timestamp with time zone) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.quota_now()
 RETURNS timestamp with time zone
 LANGUAGE sql
 PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select clock_timestamp()
$function$;
revoke all on function chaperone.quota_now() from public;
grant execute on function chaperone.quota_now() to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.quota_pending(organization uuid, counter bigint)
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select least(coalesce(sum(p.quota[4 * n]), 0), 1e18)::bigint
  from chaperone.pending_calls p, generate_series(1, cardinality(p.quota) / 4) as n
  where p.organization_id = organization and p.settled_at is null and p.quota is not null and p.quota[4 * n - 2] = counter
$function$;
revoke all on function chaperone.quota_pending(uuid,bigint) from public;
grant execute on function chaperone.quota_pending(uuid,bigint) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.read_analysis_template(namespaces text[], wanted text)
 RETURNS TABLE(analysis_config_id uuid, resource text, serves_namespace text, name text, description text, config_encrypted bytea, is_active boolean, created_at timestamp with time zone, updated_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
  select c.analysis_config_id, c.resource, c.serves_namespace, c.name, c.description, c.config_encrypted, c.is_active,
    c.created_at, c.updated_at
  from chaperone.analysis_configs c
  where c.organization_id = chaperone.current_organization_id() and c.name = wanted and c.deleted_at is null
    and c.is_active and c.kind = 'template' and (c.serves_namespace is null or c.serves_namespace = any(namespaces))
  order by c.serves_namespace nulls last
  limit 1
$function$;
revoke all on function chaperone.read_analysis_template(text[],text) from public;
grant execute on function chaperone.read_analysis_template(text[],text) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.record_audit_change(organization uuid, entry jsonb, subject text, former bigint, state jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
begin
  delete from chaperone.resource_requests r
    where r.uid = entry ->> 'uid' and (r.generation <= (entry ->> 'generation')::bigint or state is null and r.operation = 'DELETE');
  -- Others wait here until this change is recorded.
  insert into chaperone.audit_chains (organization_id) values (organization) on conflict do nothing;
  perform from chaperone.audit_chains c where c.organization_id = organization for update;
  if former is distinct from (
    select r.revision from chaperone.audit_resources r where r.organization_id = organization and r.subject = $3
  ) then
    return false;
  end if;
  if state is null then
    delete from chaperone.audit_resources r where r.organization_id = organization and r.subject = $3;
  else
    insert into chaperone.audit_resources (organization_id, subject, uid, generation, fingerprint, revision, spec)
      values (organization, $3, state ->> 'uid', (state ->> 'generation')::bigint, state ->> 'fingerprint',
        coalesce(former, 0) + 1, state -> 'spec')
      on conflict on constraint audit_resources_pkey do update
        set uid = excluded.uid, generation = excluded.generation, fingerprint = excluded.fingerprint,
            revision = excluded.revision, spec = excluded.spec;
  end if;
  return chaperone.append_audit_of(organization, jsonb_build_array(entry)) > 0;
end
$function$;
revoke all on function chaperone.record_audit_change(uuid,jsonb,text,bigint,jsonb) from public;

CREATE OR REPLACE FUNCTION chaperone.remove_organization_role(organization uuid)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  login name := 'chaperone_org_' || replace(organization::text, '-', '');
  reason text;
begin
  if not exists (select from pg_roles where rolname = login) then
    return null;
  end if;
  perform chaperone.end_organization_sessions(organization, 'infinity');
  begin
    execute format('drop owned by %I', login);
    execute format('drop role %I', login);
  exception when dependent_objects_still_exist then
    get stacked diagnostics reason = pg_exception_detail;
    return reason;
  end;
  return null;
end
$function$;
revoke all on function chaperone.remove_organization_role(uuid) from public;

CREATE OR REPLACE FUNCTION chaperone.remove_passages(article text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
begin
  perform chaperone.remove_passages_of(chaperone.current_organization_id(), article);
end
$function$;
revoke all on function chaperone.remove_passages(text) from public;
grant execute on function chaperone.remove_passages(text) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.remove_passages_of(organization uuid, article text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
  delete from chaperone.knowledge_passages where organization_id = organization and article_id = article
$function$;
revoke all on function chaperone.remove_passages_of(uuid,text) from public;

CREATE OR REPLACE FUNCTION chaperone.resolve_idle_conversations(most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  desk record;
  idle record;
  ids text[];
  resolved integer := 0;
begin
  for desk in
    select o.organization_id, nullif(coalesce(o.spec -> 'support' ->> 'resolveAfter', '24h'), 'Never')::interval as after
    from chaperone.organizations o
    where o.deleted_at is null
  loop
    continue when desk.after is null;
    ids := '{}';
    for idle in
      select c.conversation_id, c.user_id, c.channel
      from chaperone.support_conversations c
      where c.organization_id = desk.organization_id and c.status = 'active' and c.updated_at < now() - desk.after
        and exists (
          select from chaperone.support_messages m
          where m.organization_id = desk.organization_id and m.conversation_id = c.conversation_id and m.number = c.messages
            and m.sender <> 'user' and m.status = 'completed')
      order by c.updated_at
      limit most - resolved
      for update of c skip locked
    loop
      perform chaperone.emit_event_of(desk.organization_id, 'conversation.resolved', 'conversation/' || idle.conversation_id,
        idle.user_id, jsonb_build_object('conversation_id', idle.conversation_id, 'channel', idle.channel,
          'resolved_by', 'inactivity'));
      ids := ids || idle.conversation_id;
    end loop;
    update chaperone.support_conversations c
      set status = 'resolved', resolved_at = clock_timestamp(), updated_at = clock_timestamp()
      where c.organization_id = desk.organization_id and c.conversation_id = any (ids);
    resolved := resolved + cardinality(ids);
    exit when resolved >= most;
  end loop;
  return resolved;
end
$function$;
revoke all on function chaperone.resolve_idle_conversations(integer) from public;
grant execute on function chaperone.resolve_idle_conversations(integer) to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.retained_organizations()
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
  select o.organization_id from chaperone.organizations o where o.spec -> 'storage' ->> 'retention' is not null
$function$;
revoke all on function chaperone.retained_organizations() from public;
grant execute on function chaperone.retained_organizations() to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.retry_job(job bigint)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  retried text;
begin
  update graphile_worker._private_jobs j
    set attempts = 0, run_at = now(), flags = j.flags - 'told', last_error = null, max_attempts = greatest(j.max_attempts, 10)
    from graphile_worker._private_tasks t
    where j.id = job and t.id = j.task_id and j.attempts >= j.max_attempts and j.locked_at is null
      and j.payload ->> 'organization' = chaperone.current_organization_id()::text
    returning regexp_replace(t.identifier, '^organization:', '') into retried;
  return retried;
end
$function$;
revoke all on function chaperone.retry_job(bigint) from public;
grant execute on function chaperone.retry_job(bigint) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.review_depths()
 RETURNS TABLE(organization text, queued integer, in_review integer, oldest_seconds double precision)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
  select o.name, (count(*) filter (where i.claimed_until is null or i.claimed_until <= clock_timestamp()))::integer,
    (count(*) filter (where i.claimed_until > clock_timestamp()))::integer,
    extract(epoch from clock_timestamp() - min(i.created_at))::float8
  from chaperone.review_items i
    join chaperone.organizations o on o.organization_id = i.organization_id
  where i.status = 'queued' and o.deleted_at is null
  group by o.name
$function$;
revoke all on function chaperone.review_depths() from public;
grant execute on function chaperone.review_depths() to chaperone_worker;

CREATE OR REPLACE FUNCTION chaperone.search_passages(question text, wanted integer)
 RETURNS TABLE(article_id text, number integer, score double precision)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '2s'
 SET jit TO 'off'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
AS $function$
#variable_conflict use_column
declare
  organization uuid := chaperone.current_organization_id();
begin
  return query
  with recursive spoken as (
    (select t.language from chaperone.knowledge_terms t
      where t.organization_id = organization and t.language > '' order by t.language limit 1)
    union all
    select (select t.language from chaperone.knowledge_terms t
      where t.organization_id = organization and t.language > s.language order by t.language limit 1)
    from spoken s where s.language is not null
  ), asked as materialized (
    select s.language, w.lexeme as term, place
    from spoken s
      cross join lateral unnest(to_tsvector(chaperone.text_search_language(s.language), question)) w
      cross join lateral unnest(w.positions) place
    where s.language is not null
  ), known as materialized (
    select a.language, a.term, a.place, t.passages
    from asked a
      cross join lateral (
        select t.passages
        from chaperone.knowledge_terms t
        where t.organization_id = organization and t.language = a.language and t.term = a.term
        limit 1
      ) t
  ), unknown as materialized (
    select distinct a.language, a.term, chaperone.term_variants(a.term) as variants
    from asked a
    where a.place not in (select k.place from known k)
  ), guessed as materialized (
    select u.language, t.term, t.passages
    from unknown u
      cross join lateral (
        select t.term, t.passages
        from chaperone.knowledge_terms t
        where t.variants && u.variants and (t.organization_id = organization and t.language = u.language) is true
        order by t.passages desc, t.term
        limit 3
      ) t
  ), told as (
    select language, term, passages, 1.0 as certainty from known
    union
    select language, term, passages, 0.5 from guessed
  ), weighed as materialized (
    select t.language, t.term, max(t.certainty) * ln(1 + (total.passages - t.passages + 0.5) / (t.passages + 0.5)) as weight,
      '''' || replace(replace(t.term, '\', '\\'), '''', '''''') || '''' as quoted,
      row_number() over rarest as n, sum(t.passages) over rarest as candidates
    from told t
      join chaperone.knowledge_terms total
        on total.organization_id = organization and total.language = '' and total.term = ''
    group by t.language, t.term, t.passages, total.passages
    window rarest as (partition by t.language order by t.passages, t.term)
  ), sought as materialized (
    select w.language,
      ('''' || chaperone.passage_scope(organization, w.language) || '''')::tsquery
        && concat_ws(' | ', string_agg(w.quoted, ' | ') filter (where w.candidates <= 500),
          string_agg(w.quoted, ' & ') filter (where w.n <= 2), string_agg(w.quoted, ' & '))::tsquery as query
    from weighed w
    group by w.language
  ), candidates as materialized (
    select p.article_id, p.number, p.language, p.words
    from sought s
      cross join lateral (
        select p.article_id, p.number, p.language, p.words
        from chaperone.knowledge_passages p
        where p.words @@ s.query and (p.organization_id = organization and p.language = s.language) is true
        limit 1000
      ) p
  )
  select c.article_id, c.number, sum(w.weight * ts_rank('{0.3, 0.4, 0.6, 1}', c.words, w.quoted::tsquery))::double precision
  from candidates c join weighed w on w.language = c.language
  group by c.article_id, c.number
  order by 3 desc, 1, 2
  limit wanted;
end
$function$;
revoke all on function chaperone.search_passages(text,integer) from public;
grant execute on function chaperone.search_passages(text,integer) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.settle_quota(counters bigint[], leases bigint[], amounts bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
begin
  insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, settled, expires_at)
  select chaperone.current_organization_id(), counter_id, lease_id, least(sum(greatest(amount, 0)), 1e18), clock_timestamp()
  from unnest(counters, leases, amounts) as s (counter_id, lease_id, amount)
  group by counter_id, lease_id
  order by counter_id, lease_id
  on conflict on constraint quota_leases_pkey do update set settled = least(l.settled + excluded.settled, 2e18);
end
$function$;
revoke all on function chaperone.settle_quota(bigint[],bigint[],bigint[]) from public;
grant execute on function chaperone.settle_quota(bigint[],bigint[],bigint[]) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.settle_quota(counts text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
declare
  organization uuid := chaperone.current_organization_id();
  numbers bigint[] := string_to_array(counts, ',')::bigint[];
begin
  insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, settled, expires_at)
  select organization, counter_id, lease_id, least(sum(greatest(amount, 0)), 1e18), clock_timestamp()
  from (
    select numbers[4 * n - 2] as counter_id, numbers[4 * n - 1] as lease_id, numbers[4 * n] as amount
    from generate_series(1, cardinality(numbers) / 4) as n
  ) s
  group by counter_id, lease_id
  order by counter_id, lease_id
  on conflict on constraint quota_leases_pkey do update set settled = least(l.settled + excluded.settled, 2e18);
end
$function$;
revoke all on function chaperone.settle_quota(text) from public;
grant execute on function chaperone.settle_quota(text) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.stamp_config_version()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
begin
  insert into chaperone.config_versions as v (organization_id, version)
    values (new.organization_id, 1)
    on conflict (organization_id) do update set version = v.version + 1, changed_at = clock_timestamp()
    returning v.version into new.config_version;
  perform pg_notify('chaperone_' || replace(new.organization_id::text, '-', ''), '');
  return new;
end
$function$;
revoke all on function chaperone.stamp_config_version() from public;

CREATE OR REPLACE FUNCTION chaperone.sum_usage_again(organization uuid, days date[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  highest constant numeric := 9000000000000000000;
begin
  update chaperone.daily_usage u
  set unpriced_count = f.unpriced_count, input_tokens = f.input_tokens, output_tokens = f.output_tokens,
      total_tokens = f.total_tokens, cost_usd = f.cost_usd, duration_ms = f.duration_ms, duration_count = f.duration_count,
      unpriced_hit_count = f.unpriced_hit_count, avoided_cost_usd = f.avoided_cost_usd,
      cache_savings_usd = f.cache_savings_usd
  from (
    select case grouping(r.user_id, r.persona_id) when 0 then 'both' when 1 then 'user' else 'persona' end as grain, r.day,
      r.kind, coalesce(r.user_id, nobody) as user_id, coalesce(r.persona_id, nobody) as persona_id, r.model,
      r.requested_model, count(*) filter (where r.is_unpriced) as unpriced_count,
      least(coalesce(sum(r.input_tokens), 0), highest) as input_tokens,
      least(coalesce(sum(r.output_tokens), 0), highest) as output_tokens,
      least(coalesce(sum(r.total_tokens), 0), highest) as total_tokens, coalesce(sum(r.cost_usd), 0) as cost_usd,
      coalesce(sum(r.duration_ms), 0) as duration_ms, count(r.duration_ms) as duration_count,
      count(*) filter (where r.cache_status = 'hit' and r.avoided_cost_usd is null) as unpriced_hit_count,
      coalesce(sum(r.avoided_cost_usd), 0) as avoided_cost_usd, coalesce(sum(r.cache_savings_usd), 0) as cache_savings_usd
    from chaperone.folded_records(organization, days) r
    group by r.day, r.kind, r.model, r.requested_model, grouping sets ((r.user_id, r.persona_id), (r.user_id), (r.persona_id))
  ) f
  where u.organization_id = organization and u.grain = f.grain and u.day = f.day and u.kind = f.kind
    and u.user_id = f.user_id and u.persona_id = f.persona_id and u.model = f.model
    and u.requested_model = f.requested_model;

  update chaperone.weekly_usage u
  set unpriced_count = f.unpriced_count, input_tokens = f.input_tokens, output_tokens = f.output_tokens,
      total_tokens = f.total_tokens, cost_usd = f.cost_usd, duration_ms = f.duration_ms, duration_count = f.duration_count,
      unpriced_hit_count = f.unpriced_hit_count, avoided_cost_usd = f.avoided_cost_usd,
      cache_savings_usd = f.cache_savings_usd
  from (
    select d.grain, date_trunc('week', d.day::timestamp)::date as week, d.kind, d.user_id, d.persona_id, d.model,
      d.requested_model, sum(d.unpriced_count) as unpriced_count, least(sum(d.input_tokens), highest) as input_tokens,
      least(sum(d.output_tokens), highest) as output_tokens, least(sum(d.total_tokens), highest) as total_tokens,
      sum(d.cost_usd) as cost_usd, least(sum(d.duration_ms), highest) as duration_ms,
      sum(d.duration_count) as duration_count, sum(d.unpriced_hit_count) as unpriced_hit_count,
      sum(d.avoided_cost_usd) as avoided_cost_usd, sum(d.cache_savings_usd) as cache_savings_usd
    from chaperone.daily_usage d
    where d.organization_id = organization
      and date_trunc('week', d.day::timestamp)::date
        = any (array(select date_trunc('week', day::timestamp)::date from unnest(days) day))
    group by 1, 2, d.kind, d.user_id, d.persona_id, d.model, d.requested_model
  ) f
  where u.organization_id = organization and u.grain = f.grain and u.week = f.week and u.kind = f.kind
    and u.user_id = f.user_id and u.persona_id = f.persona_id and u.model = f.model
    and u.requested_model = f.requested_model;

  update chaperone.session_usage u
  set unpriced_count = f.unpriced_count, total_tokens = f.total_tokens, cost_usd = f.cost_usd
  from (
    select r.user_id, r.session_id, r.kind, r.day, coalesce(r.persona_id, nobody) as persona_id, r.model, r.requested_model,
      count(*) filter (where r.is_unpriced) as unpriced_count,
      least(coalesce(sum(r.total_tokens), 0), highest) as total_tokens, coalesce(sum(r.cost_usd), 0) as cost_usd
    from chaperone.folded_records(organization, days) r
    group by r.user_id, r.session_id, r.kind, r.day, 5, r.model, r.requested_model
  ) f
  where u.organization_id = organization and u.user_id = f.user_id and u.session_id = f.session_id and u.kind = f.kind
    and u.day = f.day and u.persona_id = f.persona_id and u.model = f.model and u.requested_model = f.requested_model;
end
$function$;
revoke all on function chaperone.sum_usage_again(uuid,date[]) from public;

CREATE OR REPLACE FUNCTION chaperone.take_lost_calls(job bigint)
 RETURNS SETOF json
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  organization uuid := chaperone.current_organization_id();
begin
  return query
    with taken as (
      delete from chaperone.job_intents i
      where i.organization_id = organization and (job is null or i.job_id = job)
        and i.lost_at < clock_timestamp() - interval '10 minutes'
        and not exists (select from chaperone.workers w where w.worker_id = i.worker_id)
      returning i.started_at, i.request_id, i.record
    )
    select t.record
    from taken t
    where not exists (
      select from chaperone.requests r
      where r.organization_id = organization and r.started_at = t.started_at and r.request_id = t.request_id);
end
$function$;
revoke all on function chaperone.take_lost_calls(bigint) from public;
grant execute on function chaperone.take_lost_calls(bigint) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.tell_live(event text, data jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if organization is null then
    raise exception 'the session belongs to no organization' using errcode = 'insufficient_privilege';
  end if;
  perform chaperone.tell_live_of(organization, event, data);
end
$function$;
revoke all on function chaperone.tell_live(text,jsonb) from public;
grant execute on function chaperone.tell_live(text,jsonb) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.tell_live_of(organization uuid, event text, data jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
declare
  next bigint;
begin
  insert into chaperone.live_numbers as n (organization_id, number) values (organization, 1)
    on conflict (organization_id) do update set number = n.number + 1
    returning n.number into next;
  insert into chaperone.live_events (organization_id, number, event, data) values (organization, next, event, data);
  perform pg_notify('chaperone_' || replace(organization::text, '-', ''), 'live');
end
$function$;
revoke all on function chaperone.tell_live_of(uuid,text,jsonb) from public;

CREATE OR REPLACE FUNCTION chaperone.term_variants(term text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case
    when length(term) between 4 and 30 then array(
      select term
      union
      select overlay(term placing '' from letter for 1) from generate_series(1, length(term)) letter
    )
    else '{}'
  end
$function$;
revoke all on function chaperone.term_variants(text) from public;

CREATE OR REPLACE FUNCTION chaperone.test_webhook(webhook uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
 SET lock_timeout TO '10s'
AS $function$
begin
  return chaperone.test_webhook_of(chaperone.current_organization_id(), webhook);
end
$function$;
revoke all on function chaperone.test_webhook(uuid) from public;
grant execute on function chaperone.test_webhook(uuid) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.test_webhook_of(organization uuid, webhook uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO, YMD'
AS $function$
declare
  event constant uuid := gen_random_uuid();
  about constant text := format('webhook/%s', event);
  named text;
begin
  select w.name into named from chaperone.webhooks w
    where w.organization_id = organization and w.webhook_id = webhook and w.deleted_at is null;
  if not found then
    return null;
  end if;
  insert into chaperone.webhook_events (organization_id, event_id, type, subject, data)
    values (organization, event, 'webhook.test', about, jsonb_build_object('webhook_id', webhook, 'name', named));
  return chaperone.add_delivery_of(organization, webhook, event, about, 1);
end
$function$;
revoke all on function chaperone.test_webhook_of(uuid,uuid) from public;

CREATE OR REPLACE FUNCTION chaperone.text_search_language(language text)
 RETURNS regconfig
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case language
    when 'ar' then 'pg_catalog.arabic'::regconfig
    when 'da' then 'pg_catalog.danish'::regconfig
    when 'de' then 'pg_catalog.german'::regconfig
    when 'en' then 'pg_catalog.english'::regconfig
    when 'es' then 'pg_catalog.spanish'::regconfig
    when 'fi' then 'pg_catalog.finnish'::regconfig
    when 'fr' then 'pg_catalog.french'::regconfig
    when 'ga' then 'pg_catalog.irish'::regconfig
    when 'hu' then 'pg_catalog.hungarian'::regconfig
    when 'id' then 'pg_catalog.indonesian'::regconfig
    when 'it' then 'pg_catalog.italian'::regconfig
    when 'lt' then 'pg_catalog.lithuanian'::regconfig
    when 'ne' then 'pg_catalog.nepali'::regconfig
    when 'nl' then 'pg_catalog.dutch'::regconfig
    when 'no' then 'pg_catalog.norwegian'::regconfig
    when 'pt' then 'pg_catalog.portuguese'::regconfig
    when 'ro' then 'pg_catalog.romanian'::regconfig
    when 'ru' then 'pg_catalog.russian'::regconfig
    when 'sv' then 'pg_catalog.swedish'::regconfig
    when 'ta' then 'pg_catalog.tamil'::regconfig
    when 'tr' then 'pg_catalog.turkish'::regconfig
    else 'pg_catalog.simple'::regconfig
  end
$function$;
revoke all on function chaperone.text_search_language(text) from public;
grant execute on function chaperone.text_search_language(text) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.user_digest(organization uuid, user_id uuid)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select sha256(uuid_send(organization) || uuid_send(user_id))
$function$;
revoke all on function chaperone.user_digest(uuid,uuid) from public;
grant execute on function chaperone.user_digest(uuid,uuid) to chaperone_tenant;

CREATE OR REPLACE FUNCTION chaperone.validate_constraint(part regclass, constraint_name name)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET lock_timeout TO '10s'
AS $function$
begin
  execute format('alter table %s validate constraint %I', part, constraint_name);
end
$function$;
revoke all on function chaperone.validate_constraint(regclass,name) from public;

create table chaperone.access_keys (
  organization_id uuid not null,
  key_id uuid not null,
  name text not null,
  type text not null,
  roles text[] not null,
  origins text[],
  requests_per_hour integer,
  visitor_requests_per_hour integer,
  sha256 bytea not null,
  former_sha256 bytea,
  former_until timestamp with time zone,
  hint text not null,
  expires_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  rotated_at timestamp with time zone,
  revoked_at timestamp with time zone,
  config_version bigint not null
);
alter table chaperone.access_keys add constraint access_keys_former_sha256_check CHECK ((length(former_sha256) = 32));
alter table chaperone.access_keys add constraint access_keys_hint_check CHECK ((length(hint) <= 20));
alter table chaperone.access_keys add constraint access_keys_name_check CHECK ((length(name) <= 200));
alter table chaperone.access_keys add constraint access_keys_pkey PRIMARY KEY (organization_id, key_id);
alter table chaperone.access_keys add constraint access_keys_requests_per_hour_check CHECK ((requests_per_hour > 0));
alter table chaperone.access_keys add constraint access_keys_sha256_check CHECK ((length(sha256) = 32));
alter table chaperone.access_keys add constraint access_keys_type_check CHECK ((type = ANY (ARRAY['secret'::text, 'public'::text])));
alter table chaperone.access_keys add constraint access_keys_visitor_requests_per_hour_check CHECK ((visitor_requests_per_hour > 0));
CREATE INDEX access_keys_version ON chaperone.access_keys USING btree (organization_id, config_version);
CREATE UNIQUE INDEX access_keys_name ON chaperone.access_keys USING btree (organization_id, name) WHERE (revoked_at IS NULL);
alter table chaperone.access_keys enable row level security;
create policy tenant on chaperone.access_keys as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert (organization_id, key_id, name, type, roles, origins, requests_per_hour, visitor_requests_per_hour, sha256, hint, expires_at) on chaperone.access_keys to chaperone_tenant;
grant select on chaperone.access_keys to chaperone_tenant;
grant update (sha256, former_sha256, former_until, hint, rotated_at, revoked_at) on chaperone.access_keys to chaperone_tenant;

create table chaperone.accounts (
  organization_id uuid not null,
  account_id uuid not null,
  password_encrypted bytea not null,
  updated_at timestamp with time zone not null default now()
);
alter table chaperone.accounts add constraint accounts_pkey PRIMARY KEY (organization_id, account_id);
alter table chaperone.accounts enable row level security;
create policy tenant on chaperone.accounts as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.accounts to chaperone_tenant;

create table chaperone.analysis_configs (
  organization_id uuid not null,
  analysis_config_id uuid not null,
  resource text,
  name text not null,
  description text,
  config_encrypted bytea not null,
  is_active boolean not null default true,
  config_version bigint not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  serves_namespace text,
  kind text not null default 'classification'::text
);
alter table chaperone.analysis_configs add constraint analysis_configs_kind_check CHECK ((kind = ANY (ARRAY['classification'::text, 'template'::text])));
alter table chaperone.analysis_configs add constraint analysis_configs_pkey PRIMARY KEY (organization_id, analysis_config_id);
CREATE UNIQUE INDEX analysis_configs_name ON chaperone.analysis_configs USING btree (organization_id, serves_namespace, name) NULLS NOT DISTINCT WHERE (deleted_at IS NULL);
alter table chaperone.analysis_configs enable row level security;
create policy api_made on chaperone.analysis_configs as restrictive for update to chaperone_tenant
  using ((resource IS NULL))
  with check ((resource IS NULL));
create policy classifications on chaperone.analysis_configs as restrictive for select to chaperone_tenant
  using ((kind = 'classification'::text));
create policy tenant on chaperone.analysis_configs as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert (organization_id, analysis_config_id, name, description, config_encrypted, is_active) on chaperone.analysis_configs to chaperone_tenant;
grant select on chaperone.analysis_configs to chaperone_tenant;
grant update (name, description, config_encrypted, is_active, updated_at, deleted_at) on chaperone.analysis_configs to chaperone_tenant;

create table chaperone.analysis_results (
  organization_id uuid not null,
  cache_key bytea not null,
  result_encrypted bytea not null,
  analysis_config_id uuid,
  request_id text not null,
  user_id uuid not null,
  created_at timestamp with time zone not null default now()
);
alter table chaperone.analysis_results add constraint analysis_results_pkey PRIMARY KEY (organization_id, cache_key);
CREATE INDEX analysis_results_config_id ON chaperone.analysis_results USING btree (organization_id, analysis_config_id) WHERE (analysis_config_id IS NOT NULL);
CREATE INDEX analysis_results_created_at ON chaperone.analysis_results USING btree (organization_id, created_at);
CREATE INDEX analysis_results_user_id ON chaperone.analysis_results USING btree (organization_id, user_id);
alter table chaperone.analysis_results enable row level security;
create policy tenant on chaperone.analysis_results as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.analysis_results to chaperone_tenant;
grant update (result_encrypted, analysis_config_id, request_id, user_id, created_at) on chaperone.analysis_results to chaperone_tenant;

create table chaperone.anonymizations (
  organization_id uuid not null,
  anonymization_id text not null,
  user_id uuid not null,
  mapping_encrypted bytea,
  created_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp()
);
alter table chaperone.anonymizations add constraint anonymizations_anonymization_id_check CHECK ((length(anonymization_id) <= 64));
alter table chaperone.anonymizations add constraint anonymizations_pkey PRIMARY KEY (organization_id, anonymization_id);
CREATE INDEX anonymizations_user ON chaperone.anonymizations USING btree (organization_id, user_id);
alter table chaperone.anonymizations enable row level security;
create policy tenant on chaperone.anonymizations as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.anonymizations to chaperone_tenant;
grant update (mapping_encrypted, updated_at) on chaperone.anonymizations to chaperone_tenant;

create table chaperone.answer_leases (
  organization_id uuid not null,
  answer_id bytea not null,
  holder uuid not null,
  leased_until timestamp with time zone not null
);
alter table chaperone.answer_leases add constraint answer_leases_answer_id_check CHECK ((octet_length(answer_id) = 32));
alter table chaperone.answer_leases add constraint answer_leases_pkey PRIMARY KEY (organization_id, answer_id);
alter table chaperone.answer_leases enable row level security;
create policy tenant on chaperone.answer_leases as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));

create table chaperone.api_keys (
  organization_id uuid not null,
  api_key_id uuid not null,
  resource text,
  provider text not null,
  user_external_id text,
  models text[],
  key_encrypted bytea not null,
  fingerprint text not null,
  synthetic_key_sha256 bytea not null,
  is_active boolean not null default true,
  expires_at timestamp with time zone,
  config_version bigint not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  serves_namespace text,
  roles text[],
  rules jsonb
);
alter table chaperone.api_keys add constraint api_keys_pkey PRIMARY KEY (organization_id, api_key_id);
CREATE INDEX api_keys_config_version ON chaperone.api_keys USING btree (organization_id, config_version);
alter table chaperone.api_keys enable row level security;
create policy tenant on chaperone.api_keys as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.api_keys to chaperone_tenant;

create table chaperone.audit_chains (
  organization_id uuid not null,
  seq bigint not null default 0,
  hash bytea not null default decode(repeat('00'::text, 32), 'hex'::text),
  appended_at timestamp with time zone not null default now()
);
alter table chaperone.audit_chains add constraint audit_chains_hash_check CHECK ((length(hash) = 32));
alter table chaperone.audit_chains add constraint audit_chains_pkey PRIMARY KEY (organization_id);
alter table chaperone.audit_chains enable row level security;
create policy tenant on chaperone.audit_chains as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.audit_chains to chaperone_tenant;

create table chaperone.audit_checkpoints (
  organization_id uuid not null,
  seq bigint not null,
  hash bytea not null,
  cut_at timestamp with time zone not null default now()
);
alter table chaperone.audit_checkpoints add constraint audit_checkpoints_hash_check CHECK ((length(hash) = 32));
alter table chaperone.audit_checkpoints add constraint audit_checkpoints_pkey PRIMARY KEY (organization_id);
alter table chaperone.audit_checkpoints add constraint audit_checkpoints_seq_check CHECK ((seq > 0));
alter table chaperone.audit_checkpoints enable row level security;
create policy tenant on chaperone.audit_checkpoints as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.audit_checkpoints to chaperone_tenant;

create table chaperone.audit_log (
  organization_id uuid not null,
  seq bigint not null,
  entry_id text not null,
  entry text not null,
  hash bytea not null
);
alter table chaperone.audit_log add constraint audit_log_entry_check CHECK ((length(entry) <= 1048576));
alter table chaperone.audit_log add constraint audit_log_entry_id UNIQUE (organization_id, entry_id);
alter table chaperone.audit_log add constraint audit_log_entry_id_check CHECK (((length(entry_id) >= 1) AND (length(entry_id) <= 200)));
alter table chaperone.audit_log add constraint audit_log_hash_check CHECK ((length(hash) = 32));
alter table chaperone.audit_log add constraint audit_log_pkey PRIMARY KEY (organization_id, seq);
alter table chaperone.audit_log add constraint audit_log_seq_check CHECK ((seq > 0));
CREATE INDEX audit_log_at ON chaperone.audit_log USING btree (organization_id, (((entry)::jsonb ->> 'at'::text)) COLLATE "C");
alter table chaperone.audit_log enable row level security;
create policy tenant on chaperone.audit_log as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.audit_log to chaperone_tenant;

create table chaperone.audit_people (
  organization_id uuid not null,
  external_id text not null,
  salt bytea not null,
  person text not null
);
alter table chaperone.audit_people add constraint audit_people_person UNIQUE (organization_id, person);
alter table chaperone.audit_people add constraint audit_people_pkey PRIMARY KEY (organization_id, external_id);
alter table chaperone.audit_people add constraint audit_people_salt_check CHECK ((length(salt) = 16));
alter table chaperone.audit_people enable row level security;
create policy tenant on chaperone.audit_people as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.audit_people to chaperone_tenant;

create table chaperone.audit_resources (
  organization_id uuid not null,
  subject text not null,
  uid text not null,
  generation bigint not null,
  fingerprint text,
  revision bigint not null,
  spec json not null
);
alter table chaperone.audit_resources add constraint audit_resources_pkey PRIMARY KEY (organization_id, subject);
alter table chaperone.audit_resources enable row level security;
create policy tenant on chaperone.audit_resources as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));

create table chaperone.budget_warnings (
  organization_id uuid not null,
  counter_id bigint not null,
  percent integer not null,
  rule text not null,
  used bigint not null,
  amount bigint not null,
  warned_at timestamp with time zone not null default now(),
  announced_at timestamp with time zone
);
alter table chaperone.budget_warnings add constraint budget_warnings_percent_check CHECK (((percent >= 1) AND (percent <= 1000)));
alter table chaperone.budget_warnings add constraint budget_warnings_pkey PRIMARY KEY (organization_id, counter_id, percent);
alter table chaperone.budget_warnings add constraint budget_warnings_rule_check CHECK ((length(rule) <= 512));
CREATE INDEX budget_warnings_warned_at ON chaperone.budget_warnings USING btree (warned_at);
alter table chaperone.budget_warnings enable row level security;
create policy tenant on chaperone.budget_warnings as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.budget_warnings to chaperone_tenant;

create table chaperone.cached_answers (
  organization_id uuid not null,
  answer_id bytea not null,
  answer_encrypted bytea storage external not null,
  bytes integer not null,
  kept_at timestamp with time zone not null,
  expires_at timestamp with time zone not null
);
alter table chaperone.cached_answers add constraint cached_answers_answer_id_check CHECK ((octet_length(answer_id) = 32));
alter table chaperone.cached_answers add constraint cached_answers_pkey PRIMARY KEY (organization_id, answer_id);
CREATE INDEX cached_answers_expires_at ON chaperone.cached_answers USING btree (organization_id, expires_at);
CREATE INDEX cached_answers_kept_at ON chaperone.cached_answers USING btree (organization_id, kept_at);
alter table chaperone.cached_answers enable row level security;
create policy tenant on chaperone.cached_answers as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));

create table chaperone.cached_bytes (
  organization_id uuid not null,
  bytes bigint not null
);
alter table chaperone.cached_bytes add constraint cached_bytes_pkey PRIMARY KEY (organization_id);
alter table chaperone.cached_bytes enable row level security;
create policy tenant on chaperone.cached_bytes as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));

create table chaperone.call_bounds (
  organization_id uuid not null,
  operation text not null,
  model text not null,
  tokens_per_byte double precision,
  output_tokens bigint,
  referred_tokens bigint,
  nano_usd bigint,
  since timestamp with time zone not null default now()
);
alter table chaperone.call_bounds add constraint call_bounds_model_check CHECK ((length(model) <= 200));
alter table chaperone.call_bounds add constraint call_bounds_nano_usd_check CHECK ((nano_usd >= 0));
alter table chaperone.call_bounds add constraint call_bounds_operation_check CHECK ((length(operation) <= 63));
alter table chaperone.call_bounds add constraint call_bounds_output_tokens_check CHECK ((output_tokens >= 0));
alter table chaperone.call_bounds add constraint call_bounds_pkey PRIMARY KEY (organization_id, operation, model);
alter table chaperone.call_bounds add constraint call_bounds_referred_tokens_check CHECK ((referred_tokens >= 0));
alter table chaperone.call_bounds add constraint call_bounds_tokens_per_byte_check CHECK (((tokens_per_byte >= (0)::double precision) AND (tokens_per_byte < 'Infinity'::double precision)));
alter table chaperone.call_bounds enable row level security;
create policy tenant on chaperone.call_bounds as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert (organization_id, operation, model, tokens_per_byte, output_tokens, referred_tokens, nano_usd) on chaperone.call_bounds to chaperone_tenant;
grant select on chaperone.call_bounds to chaperone_tenant;
grant update (tokens_per_byte, output_tokens, referred_tokens, nano_usd, since) on chaperone.call_bounds to chaperone_tenant;

create table chaperone.config_versions (
  organization_id uuid not null,
  version bigint not null default 0,
  changed_at timestamp with time zone not null default clock_timestamp()
);
alter table chaperone.config_versions add constraint config_versions_pkey PRIMARY KEY (organization_id);
alter table chaperone.config_versions enable row level security;
create policy tenant on chaperone.config_versions as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.config_versions to chaperone_tenant;

create table chaperone.conversation_analyses (
  organization_id uuid not null,
  id character varying(255) not null,
  conversation_id uuid not null,
  branch_id character varying(255) not null,
  status character varying(50) not null,
  requested_by text,
  template text not null,
  settings_encrypted bytea not null,
  job_id bigint not null,
  content_encrypted bytea,
  metadata jsonb,
  error_code text,
  error_message text,
  created_at timestamp with time zone not null default clock_timestamp(),
  started_at timestamp with time zone,
  updated_at timestamp with time zone not null default clock_timestamp(),
  completed_at timestamp with time zone,
  superseded_at timestamp with time zone
);
alter table chaperone.conversation_analyses add constraint conversation_analyses_error_code_check CHECK ((length(error_code) <= 64));
alter table chaperone.conversation_analyses add constraint conversation_analyses_error_message_check CHECK ((length(error_message) <= 1000));
alter table chaperone.conversation_analyses add constraint conversation_analyses_pkey PRIMARY KEY (organization_id, id);
alter table chaperone.conversation_analyses add constraint conversation_analyses_requested_by_check CHECK ((length(requested_by) <= 255));
alter table chaperone.conversation_analyses add constraint conversation_analyses_status_check CHECK (((status)::text = ANY (ARRAY['pending'::text, 'processing'::text, 'completed'::text, 'failed'::text])));
alter table chaperone.conversation_analyses add constraint conversation_analyses_template_check CHECK ((length(template) <= 200));
alter table chaperone.conversation_analyses add constraint unique_active_analysis EXCLUDE USING btree (organization_id WITH =, conversation_id WITH =, branch_id WITH =) WHERE ((((status)::text <> 'failed'::text) AND (superseded_at IS NULL)));
CREATE INDEX conversation_analyses_branch ON chaperone.conversation_analyses USING btree (organization_id, conversation_id, branch_id, created_at);
CREATE INDEX conversation_analyses_requested_by ON chaperone.conversation_analyses USING btree (organization_id, requested_by);
alter table chaperone.conversation_analyses enable row level security;
create policy tenant on chaperone.conversation_analyses as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.conversation_analyses to chaperone_tenant;
grant update (status, content_encrypted, metadata, error_code, error_message, started_at, updated_at, completed_at, superseded_at) on chaperone.conversation_analyses to chaperone_tenant;

create table chaperone.conversation_branches (
  organization_id uuid not null,
  conversation_id uuid not null,
  branch_id text not null,
  parent_digest bigint,
  first_call_at timestamp with time zone not null,
  last_call_at timestamp with time zone not null,
  calls bigint not null,
  total_tokens bigint not null
) with (fillfactor=80);
alter table chaperone.conversation_branches add constraint conversation_branches_pkey PRIMARY KEY (organization_id, conversation_id, branch_id);
alter table chaperone.conversation_branches enable row level security;
create policy tenant on chaperone.conversation_branches as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.conversation_branches to chaperone_tenant;

create table chaperone.conversations (
  organization_id uuid not null,
  conversation_id uuid not null,
  user_id uuid not null,
  session_id text not null,
  first_call_at timestamp with time zone not null,
  last_call_at timestamp with time zone not null,
  calls bigint not null,
  total_tokens bigint not null,
  cost_usd numeric(20,12) not null,
  models text[] not null
) with (fillfactor=80);
alter table chaperone.conversations add constraint conversations_pkey PRIMARY KEY (organization_id, conversation_id);
CREATE INDEX conversations_last_call_at ON chaperone.conversations USING btree (organization_id, last_call_at, conversation_id);
CREATE INDEX conversations_session ON chaperone.conversations USING btree (organization_id, session_id);
CREATE INDEX conversations_user ON chaperone.conversations USING btree (organization_id, user_id, last_call_at, conversation_id);
alter table chaperone.conversations enable row level security;
create policy tenant on chaperone.conversations as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.conversations to chaperone_tenant;

create table chaperone.daily_usage (
  organization_id uuid not null,
  grain text not null,
  day date not null,
  kind text not null,
  user_id uuid not null,
  persona_id uuid not null,
  model text not null,
  requested_model text not null,
  completed_count integer not null,
  failed_count integer not null,
  cancelled_count integer not null,
  interrupted_count integer not null,
  unpriced_count integer not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  total_tokens bigint not null,
  cost_usd numeric not null,
  duration_ms bigint not null,
  duration_count integer not null,
  last_request_at timestamp with time zone not null,
  cache_hit_count integer not null default 0,
  cache_miss_count integer not null default 0,
  unpriced_hit_count integer not null default 0,
  avoided_cost_usd numeric not null default 0,
  cache_savings_usd numeric not null default 0
) partition by list (grain);
alter table chaperone.daily_usage add constraint daily_usage_pkey PRIMARY KEY (organization_id, grain, day, kind, user_id, persona_id, model, requested_model);
CREATE INDEX daily_usage_by_persona ON chaperone.daily_usage USING btree (organization_id, grain, persona_id, day);
CREATE INDEX daily_usage_by_user ON chaperone.daily_usage USING btree (organization_id, grain, user_id, day);
alter table chaperone.daily_usage enable row level security;
create policy tenant on chaperone.daily_usage as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.daily_usage to chaperone_tenant;

create table chaperone.daily_usage_both partition of chaperone.daily_usage for values in ('both') with (fillfactor=70);
alter table chaperone.daily_usage_both enable row level security;

create table chaperone.daily_usage_persona partition of chaperone.daily_usage for values in ('persona') with (fillfactor=70);
alter table chaperone.daily_usage_persona enable row level security;

create table chaperone.daily_usage_user partition of chaperone.daily_usage for values in ('user') with (fillfactor=70);
alter table chaperone.daily_usage_user enable row level security;

create table chaperone.erased_users (
  organization_id uuid not null,
  user_digest bytea not null,
  stranger uuid not null,
  erased_at timestamp with time zone not null
);
alter table chaperone.erased_users add constraint erased_users_pkey PRIMARY KEY (organization_id, user_digest);
CREATE INDEX erased_users_erased_at ON chaperone.erased_users USING btree (organization_id, erased_at);
alter table chaperone.erased_users enable row level security;
create policy tenant on chaperone.erased_users as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.erased_users to chaperone_tenant;

create table chaperone.facet_spans (
  organization_id uuid not null,
  facet text not null,
  first_day date not null,
  last_day date not null,
  user_id uuid not null,
  session_count integer not null,
  duration_ms bigint not null
) with (fillfactor=70);
alter table chaperone.facet_spans add constraint facet_spans_pkey PRIMARY KEY (organization_id, facet, first_day, last_day, user_id);
alter table chaperone.facet_spans enable row level security;
create policy tenant on chaperone.facet_spans as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.facet_spans to chaperone_tenant;

create table chaperone.feedback (
  organization_id uuid not null,
  feedback_id bigint not null,
  user_id uuid not null,
  rated_by uuid not null,
  session_id text not null,
  turn_id text,
  message_id text,
  rating smallint not null,
  rating_type text not null,
  category text,
  incorrect_response boolean not null,
  too_slow boolean not null,
  unhelpful boolean not null,
  offensive boolean not null,
  contents_encrypted bytea,
  created_at timestamp with time zone not null default now()
);
alter table chaperone.feedback add constraint feedback_category_check CHECK ((length(category) <= 64));
alter table chaperone.feedback add constraint feedback_message_id_check CHECK ((length(message_id) <= 200));
alter table chaperone.feedback add constraint feedback_pkey PRIMARY KEY (organization_id, feedback_id);
alter table chaperone.feedback add constraint feedback_rating_check CHECK (
CASE rating_type
    WHEN 'thumbs'::text THEN (rating = ANY (ARRAY['-1'::integer, 1]))
    ELSE ((rating >= 1) AND (rating <= 5))
END);
alter table chaperone.feedback add constraint feedback_rating_type_check CHECK ((rating_type = ANY (ARRAY['thumbs'::text, 'stars'::text])));
alter table chaperone.feedback add constraint feedback_session_id_check CHECK ((length(session_id) <= 128));
alter table chaperone.feedback add constraint feedback_turn_id_check CHECK ((length(turn_id) <= 128));
CREATE INDEX feedback_created_at ON chaperone.feedback USING btree (organization_id, created_at);
CREATE INDEX feedback_session ON chaperone.feedback USING btree (organization_id, session_id);
CREATE INDEX feedback_user ON chaperone.feedback USING btree (organization_id, user_id);
alter table chaperone.feedback enable row level security;
create policy tenant on chaperone.feedback as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.feedback to chaperone_tenant;

create table chaperone.fold_turns (
  organization_id uuid not null
);
alter table chaperone.fold_turns add constraint usage_folds_pkey PRIMARY KEY (organization_id);
alter table chaperone.fold_turns enable row level security;

create table chaperone.guardrail_blocks (
  organization_id uuid not null,
  request_id text not null,
  started_at timestamp with time zone not null,
  user_id uuid not null,
  session_id text not null,
  turn_id text,
  guardrail_hits text[] not null
);
alter table chaperone.guardrail_blocks add constraint guardrail_blocks_pkey PRIMARY KEY (organization_id, request_id);
alter table chaperone.guardrail_blocks add constraint guardrail_blocks_request_id_check CHECK ((length(request_id) <= 64));
alter table chaperone.guardrail_blocks add constraint guardrail_blocks_session_id_check CHECK ((length(session_id) <= 128));
alter table chaperone.guardrail_blocks add constraint guardrail_blocks_turn_id_check CHECK ((length(turn_id) <= 128));
CREATE INDEX guardrail_blocks_session ON chaperone.guardrail_blocks USING btree (organization_id, session_id);
CREATE INDEX guardrail_blocks_user ON chaperone.guardrail_blocks USING btree (organization_id, user_id);
alter table chaperone.guardrail_blocks enable row level security;
create policy tenant on chaperone.guardrail_blocks as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.guardrail_blocks to chaperone_tenant;

create table chaperone.idempotent_answers (
  organization_id uuid not null,
  key_digest bytea not null,
  request_digest bytea not null,
  holder uuid not null,
  held_until timestamp with time zone not null,
  status smallint,
  content_type text,
  answer_encrypted bytea,
  expires_at timestamp with time zone not null
);
alter table chaperone.idempotent_answers add constraint idempotent_answers_content_type_check CHECK ((length(content_type) <= 200));
alter table chaperone.idempotent_answers add constraint idempotent_answers_key_digest_check CHECK ((length(key_digest) = 32));
alter table chaperone.idempotent_answers add constraint idempotent_answers_pkey PRIMARY KEY (organization_id, key_digest);
alter table chaperone.idempotent_answers add constraint idempotent_answers_request_digest_check CHECK ((length(request_digest) = 32));
alter table chaperone.idempotent_answers add constraint idempotent_answers_status_check CHECK (((status >= 100) AND (status <= 599)));
CREATE INDEX idempotent_answers_expiry ON chaperone.idempotent_answers USING btree (expires_at);
alter table chaperone.idempotent_answers enable row level security;
create policy tenant on chaperone.idempotent_answers as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.idempotent_answers to chaperone_tenant;
grant update (request_digest, holder, held_until, status, content_type, answer_encrypted, expires_at) on chaperone.idempotent_answers to chaperone_tenant;

create table chaperone.issue_days (
  organization_id uuid not null,
  day date not null,
  issue text not null,
  queries bigint not null default 0,
  rated bigint not null default 0,
  score_sum bigint not null default 0
);
alter table chaperone.issue_days add constraint issue_days_issue_check CHECK ((length(issue) <= 100));
alter table chaperone.issue_days add constraint issue_days_pkey PRIMARY KEY (organization_id, day, issue);
alter table chaperone.issue_days enable row level security;
create policy tenant on chaperone.issue_days as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.issue_days to chaperone_tenant;
grant update (queries, rated, score_sum) on chaperone.issue_days to chaperone_tenant;

create table chaperone.job_calls (
  organization_id uuid not null,
  job_id bigint not null,
  step text not null,
  number integer not null,
  request_id text not null,
  created_at timestamp with time zone not null default now()
);
alter table chaperone.job_calls add constraint job_calls_pkey PRIMARY KEY (organization_id, job_id, step, number);
alter table chaperone.job_calls add constraint job_calls_request_id_check CHECK ((length(request_id) <= 64));
alter table chaperone.job_calls add constraint job_calls_step_check CHECK ((length(step) <= 100));
alter table chaperone.job_calls enable row level security;
create policy tenant on chaperone.job_calls as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.job_calls to chaperone_tenant;

create table chaperone.job_intents (
  organization_id uuid not null,
  request_id text not null,
  started_at timestamp with time zone not null,
  job_id bigint not null,
  worker_id text not null,
  record json not null,
  kept_at timestamp with time zone not null default clock_timestamp(),
  lost_at timestamp with time zone
);
alter table chaperone.job_intents add constraint job_intents_pkey PRIMARY KEY (organization_id, request_id);
alter table chaperone.job_intents add constraint job_intents_request_id_check CHECK ((length(request_id) <= 64));
alter table chaperone.job_intents add constraint job_intents_worker_id_check CHECK ((length(worker_id) <= 100));
alter table chaperone.job_intents enable row level security;
create policy tenant on chaperone.job_intents as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.job_intents to chaperone_tenant;
grant update (record) on chaperone.job_intents to chaperone_tenant;

create table chaperone.knowledge_articles (
  organization_id uuid not null,
  article_id text not null,
  version integer not null,
  status text not null,
  language text not null,
  category text,
  tags text[] not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp(),
  resource text,
  source_digest bytea
);
alter table chaperone.knowledge_articles add constraint knowledge_articles_article_id_check CHECK ((length(article_id) <= 64));
alter table chaperone.knowledge_articles add constraint knowledge_articles_category_check CHECK ((length(category) <= 200));
alter table chaperone.knowledge_articles add constraint knowledge_articles_language_check CHECK ((language ~ '^[a-z]{2}$'::text));
alter table chaperone.knowledge_articles add constraint knowledge_articles_pkey PRIMARY KEY (organization_id, article_id);
alter table chaperone.knowledge_articles add constraint knowledge_articles_resource_check CHECK ((length(resource) <= 600));
alter table chaperone.knowledge_articles add constraint knowledge_articles_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'published'::text])));
alter table chaperone.knowledge_articles add constraint knowledge_articles_version_check CHECK ((version > 0));
CREATE INDEX knowledge_articles_updated ON chaperone.knowledge_articles USING btree (organization_id, updated_at);
CREATE UNIQUE INDEX knowledge_articles_resource ON chaperone.knowledge_articles USING btree (organization_id, resource) WHERE (resource IS NOT NULL);
alter table chaperone.knowledge_articles enable row level security;
create policy tenant on chaperone.knowledge_articles as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.knowledge_articles to chaperone_tenant;
grant update (version, status, language, category, tags, updated_at) on chaperone.knowledge_articles to chaperone_tenant;

create table chaperone.knowledge_passages (
  organization_id uuid not null,
  article_id text not null,
  number integer not null,
  version integer not null,
  language text not null,
  starts_at integer not null,
  ends_at integer not null,
  words tsvector not null,
  text_digest bytea,
  has_words boolean not null default true
);
alter table chaperone.knowledge_passages add constraint knowledge_passages_article_id_check CHECK ((length(article_id) <= 64));
alter table chaperone.knowledge_passages add constraint knowledge_passages_language_check CHECK ((language ~ '^[a-z]{2}$'::text));
alter table chaperone.knowledge_passages add constraint knowledge_passages_number_check CHECK ((number >= 0));
alter table chaperone.knowledge_passages add constraint knowledge_passages_pkey PRIMARY KEY (organization_id, article_id, number);
alter table chaperone.knowledge_passages add constraint knowledge_passages_text_digest_check CHECK ((length(text_digest) = 16));
alter table chaperone.knowledge_passages add constraint knowledge_passages_version_check CHECK ((version > 0));
CREATE INDEX knowledge_passages_digest ON chaperone.knowledge_passages USING btree (organization_id, text_digest);
CREATE INDEX knowledge_passages_words ON chaperone.knowledge_passages USING gin (words) WITH (fastupdate=off);
alter table chaperone.knowledge_passages enable row level security;
create policy tenant on chaperone.knowledge_passages as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.knowledge_passages to chaperone_tenant;

create table chaperone.knowledge_spaces (
  organization_id uuid not null,
  space text not null,
  revision bigint not null,
  job_id bigint,
  held_until timestamp with time zone
);
alter table chaperone.knowledge_spaces add constraint knowledge_spaces_pkey PRIMARY KEY (organization_id, space);
alter table chaperone.knowledge_spaces add constraint knowledge_spaces_space_check CHECK ((length(space) <= 300));
alter table chaperone.knowledge_spaces enable row level security;
create policy tenant on chaperone.knowledge_spaces as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.knowledge_spaces to chaperone_tenant;
grant update (revision, job_id, held_until) on chaperone.knowledge_spaces to chaperone_tenant;

create table chaperone.knowledge_terms (
  organization_id uuid not null,
  language text not null,
  term text not null,
  passages integer not null,
  variants text[] not null
) with (fillfactor=80);
alter table chaperone.knowledge_terms add constraint knowledge_terms_pkey PRIMARY KEY (organization_id, language, term);
CREATE INDEX knowledge_terms_variants ON chaperone.knowledge_terms USING gin (variants) WITH (fastupdate=off);
alter table chaperone.knowledge_terms enable row level security;
create policy tenant on chaperone.knowledge_terms as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.knowledge_terms to chaperone_tenant;

create table chaperone.knowledge_vectors (
  organization_id uuid not null,
  space text not null,
  text_digest bytea not null,
  revision bigint not null,
  sketch_encrypted bytea,
  vector_encrypted bytea
);
alter table chaperone.knowledge_vectors add constraint knowledge_vectors_pkey PRIMARY KEY (organization_id, space, text_digest);
alter table chaperone.knowledge_vectors add constraint knowledge_vectors_space_check CHECK ((length(space) <= 300));
alter table chaperone.knowledge_vectors add constraint knowledge_vectors_text_digest_check CHECK ((length(text_digest) = 16));
CREATE INDEX knowledge_vectors_revision ON chaperone.knowledge_vectors USING btree (organization_id, space, revision, text_digest);
alter table chaperone.knowledge_vectors enable row level security;
create policy tenant on chaperone.knowledge_vectors as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.knowledge_vectors to chaperone_tenant;

create table chaperone.knowledge_versions (
  organization_id uuid not null,
  article_id text not null,
  version integer not null,
  article_encrypted bytea not null,
  created_at timestamp with time zone not null default clock_timestamp()
);
alter table chaperone.knowledge_versions add constraint knowledge_versions_article_id_check CHECK ((length(article_id) <= 64));
alter table chaperone.knowledge_versions add constraint knowledge_versions_pkey PRIMARY KEY (organization_id, article_id, version);
alter table chaperone.knowledge_versions add constraint knowledge_versions_version_check CHECK ((version > 0));
alter table chaperone.knowledge_versions enable row level security;
create policy tenant on chaperone.knowledge_versions as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.knowledge_versions to chaperone_tenant;

create table chaperone.live_events (
  organization_id uuid not null,
  number bigint not null,
  event text not null,
  data jsonb not null,
  created_at timestamp with time zone not null default clock_timestamp()
);
alter table chaperone.live_events add constraint live_events_event_check CHECK ((event = ANY (ARRAY['queue_update'::text, 'sentiment_alert'::text])));
alter table chaperone.live_events add constraint live_events_pkey PRIMARY KEY (organization_id, number);
alter table chaperone.live_events enable row level security;
create policy tenant on chaperone.live_events as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.live_events to chaperone_tenant;

create table chaperone.live_numbers (
  organization_id uuid not null,
  number bigint not null
);
alter table chaperone.live_numbers add constraint live_numbers_pkey PRIMARY KEY (organization_id);
alter table chaperone.live_numbers enable row level security;
create policy tenant on chaperone.live_numbers as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.live_numbers to chaperone_tenant;

create table chaperone.login_attempts (
  organization_id uuid not null,
  account_id uuid not null,
  address_digest bytea not null,
  failures integer not null,
  locked_until timestamp with time zone not null,
  was_locked boolean not null default false,
  last_at timestamp with time zone not null default clock_timestamp()
) with (fillfactor=70);
alter table chaperone.login_attempts add constraint login_attempts_address_digest_check CHECK ((length(address_digest) = ANY (ARRAY[0, 32])));
alter table chaperone.login_attempts add constraint login_attempts_pkey PRIMARY KEY (organization_id, account_id, address_digest);
alter table chaperone.login_attempts enable row level security;
create policy tenant on chaperone.login_attempts as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.login_attempts to chaperone_tenant;
grant update (failures, locked_until, was_locked, last_at) on chaperone.login_attempts to chaperone_tenant;

create table chaperone.logins (
  organization_id uuid not null,
  login_id uuid not null,
  account_id uuid not null,
  refresh_sha256 bytea not null,
  former_sha256 bytea,
  password_sha256 bytea not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  refreshed_at timestamp with time zone not null default clock_timestamp(),
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone
);
alter table chaperone.logins add constraint logins_former_sha256_check CHECK ((length(former_sha256) = 32));
alter table chaperone.logins add constraint logins_password_sha256_check CHECK ((length(password_sha256) = 32));
alter table chaperone.logins add constraint logins_pkey PRIMARY KEY (organization_id, login_id);
alter table chaperone.logins add constraint logins_refresh_sha256_check CHECK ((length(refresh_sha256) = 32));
CREATE INDEX logins_account ON chaperone.logins USING btree (organization_id, account_id);
alter table chaperone.logins enable row level security;
create policy tenant on chaperone.logins as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.logins to chaperone_tenant;
grant update (refresh_sha256, former_sha256, refreshed_at, ended_at) on chaperone.logins to chaperone_tenant;

create table chaperone.migrations (
  version integer not null,
  applied_at timestamp with time zone not null default now()
);
alter table chaperone.migrations add constraint migrations_pkey PRIMARY KEY (version);
alter table chaperone.migrations enable row level security;

create table chaperone.model_deployments (
  organization_id uuid not null,
  deployment_id text not null,
  key_id uuid not null,
  name text not null,
  model_uri text not null,
  base_model text,
  replicas integer not null,
  min_replicas integer,
  max_replicas integer,
  target_utilization integer,
  resources jsonb not null,
  key_encrypted bytea not null,
  revision integer not null default 1,
  status text not null default 'CREATING'::text,
  message text,
  address text,
  ready_replicas integer not null default 0,
  delete_requested_at timestamp with time zone,
  created_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp(),
  deleted_at timestamp with time zone,
  config_version bigint not null
);
alter table chaperone.model_deployments add constraint model_deployments_address_check CHECK ((length(address) <= 512));
alter table chaperone.model_deployments add constraint model_deployments_base_model_check CHECK ((length(base_model) <= 128));
alter table chaperone.model_deployments add constraint model_deployments_check CHECK (((max_replicas >= min_replicas) AND (max_replicas <= 1000)));
alter table chaperone.model_deployments add constraint model_deployments_deployment_id_check CHECK ((deployment_id ~ '^deploy-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{10}$'::text));
alter table chaperone.model_deployments add constraint model_deployments_message_check CHECK ((length(message) <= 1000));
alter table chaperone.model_deployments add constraint model_deployments_min_replicas_check CHECK (((min_replicas >= 1) AND (min_replicas <= 1000)));
alter table chaperone.model_deployments add constraint model_deployments_model_uri_check CHECK ((length(model_uri) <= 1024));
alter table chaperone.model_deployments add constraint model_deployments_name_check CHECK ((name ~ '^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$'::text));
alter table chaperone.model_deployments add constraint model_deployments_pkey PRIMARY KEY (organization_id, deployment_id);
alter table chaperone.model_deployments add constraint model_deployments_replicas_check CHECK (((replicas >= 1) AND (replicas <= 1000)));
alter table chaperone.model_deployments add constraint model_deployments_resources_check CHECK ((octet_length((resources)::text) <= 4096));
alter table chaperone.model_deployments add constraint model_deployments_status_check CHECK ((status = ANY (ARRAY['CREATING'::text, 'IN_SERVICE'::text, 'UPDATING'::text, 'FAILED'::text, 'DELETING'::text, 'DELETED'::text])));
alter table chaperone.model_deployments add constraint model_deployments_target_utilization_check CHECK (((target_utilization >= 1) AND (target_utilization <= 100)));
CREATE INDEX model_deployments_version ON chaperone.model_deployments USING btree (organization_id, config_version);
CREATE UNIQUE INDEX model_deployments_name ON chaperone.model_deployments USING btree (organization_id, name) WHERE (deleted_at IS NULL);
alter table chaperone.model_deployments enable row level security;
create policy tenant on chaperone.model_deployments as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert (organization_id, deployment_id, key_id, name, model_uri, base_model, replicas, min_replicas, max_replicas, target_utilization, resources, key_encrypted) on chaperone.model_deployments to chaperone_tenant;
grant select on chaperone.model_deployments to chaperone_tenant;
grant update (model_uri, base_model, replicas, min_replicas, max_replicas, target_utilization, resources, revision, delete_requested_at, updated_at) on chaperone.model_deployments to chaperone_tenant;

create table chaperone.organization_roles (
  organization_id uuid not null,
  role_name name not null,
  created_at timestamp with time zone not null default now(),
  password_set_at timestamp with time zone,
  limited_at timestamp with time zone
);
alter table chaperone.organization_roles add constraint organization_roles_pkey PRIMARY KEY (organization_id, role_name);
alter table chaperone.organization_roles add constraint organization_roles_role_name_key UNIQUE (role_name);
alter table chaperone.organization_roles enable row level security;

create table chaperone.organizations (
  organization_id uuid not null,
  name text not null,
  spec jsonb not null,
  config_version bigint not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  keeps_old_defaults boolean not null default false,
  shares_by_default boolean not null default false,
  data_key_digests text[] not null default '{}'::text[]
);
alter table chaperone.organizations add constraint organizations_name_key UNIQUE (name);
alter table chaperone.organizations add constraint organizations_pkey PRIMARY KEY (organization_id);
alter table chaperone.organizations enable row level security;
create policy tenant on chaperone.organizations as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.organizations to chaperone_tenant;

create table chaperone.owned_resources (
  organization_id uuid not null,
  resource_id text not null,
  kind text not null,
  user_id uuid not null,
  api_key_id uuid not null,
  created_at timestamp with time zone not null,
  deleted_at timestamp with time zone
);
alter table chaperone.owned_resources add constraint owned_resources_kind_check CHECK ((kind = ANY (ARRAY['file'::text, 'conversation'::text, 'batch'::text, 'vector_store'::text])));
alter table chaperone.owned_resources add constraint owned_resources_pkey PRIMARY KEY (organization_id, resource_id);
CREATE INDEX owned_resources_user ON chaperone.owned_resources USING btree (organization_id, user_id, kind) WHERE (deleted_at IS NULL);
alter table chaperone.owned_resources enable row level security;
create policy tenant on chaperone.owned_resources as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.owned_resources to chaperone_tenant;
grant update (deleted_at) on chaperone.owned_resources to chaperone_tenant;

create table chaperone.pending_calls (
  organization_id uuid not null,
  request_id text not null,
  started_at timestamp with time zone not null,
  response_id text not null,
  record json,
  next_look_at timestamp with time zone not null default (now() + '00:00:02'::interval),
  settled_at timestamp with time zone,
  quota bigint[]
);
alter table chaperone.pending_calls add constraint pending_calls_pkey PRIMARY KEY (organization_id, request_id);
CREATE INDEX pending_calls_next_look_at ON chaperone.pending_calls USING btree (organization_id, next_look_at) WHERE (settled_at IS NULL);
CREATE INDEX pending_calls_quota ON chaperone.pending_calls USING btree (organization_id) WHERE ((settled_at IS NULL) AND (quota IS NOT NULL));
CREATE INDEX pending_calls_response_id ON chaperone.pending_calls USING btree (organization_id, response_id) WHERE (settled_at IS NULL);
alter table chaperone.pending_calls enable row level security;
create policy tenant on chaperone.pending_calls as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.pending_calls to chaperone_tenant;
grant update (record, next_look_at, settled_at) on chaperone.pending_calls to chaperone_tenant;

create table chaperone.personas (
  organization_id uuid not null,
  persona_id uuid not null,
  resource text,
  name text not null,
  description text,
  content_encrypted bytea not null,
  users text[] not null default '{}'::text[],
  model text,
  parameters jsonb not null default '{}'::jsonb,
  is_active boolean not null default true,
  config_version bigint not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  serves_namespace text
);
alter table chaperone.personas add constraint personas_pkey PRIMARY KEY (organization_id, persona_id);
CREATE INDEX personas_config_version ON chaperone.personas USING btree (organization_id, config_version);
CREATE UNIQUE INDEX personas_name ON chaperone.personas USING btree (organization_id, serves_namespace, name) NULLS NOT DISTINCT WHERE (deleted_at IS NULL);
alter table chaperone.personas enable row level security;
create policy api_made on chaperone.personas as restrictive for update to chaperone_tenant
  using ((resource IS NULL))
  with check ((resource IS NULL));
create policy tenant on chaperone.personas as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert (organization_id, persona_id, name, description, content_encrypted, users, model, parameters, is_active) on chaperone.personas to chaperone_tenant;
grant select on chaperone.personas to chaperone_tenant;
grant update (name, description, content_encrypted, users, model, parameters, is_active, updated_at, deleted_at) on chaperone.personas to chaperone_tenant;

create table chaperone.provider_pauses (
  organization_id uuid not null,
  pause_id text not null,
  scope text not null,
  provider text not null,
  api_key_id uuid,
  reason text not null,
  began_at timestamp with time zone not null default now(),
  ends_at timestamp with time zone not null,
  is_over boolean not null default false
);
alter table chaperone.provider_pauses add constraint provider_pauses_pause_id_check CHECK ((length(pause_id) <= 400));
alter table chaperone.provider_pauses add constraint provider_pauses_pkey PRIMARY KEY (organization_id, pause_id);
alter table chaperone.provider_pauses add constraint provider_pauses_provider_check CHECK ((length(provider) <= 63));
alter table chaperone.provider_pauses add constraint provider_pauses_reason_check CHECK ((length(reason) <= 80));
alter table chaperone.provider_pauses add constraint provider_pauses_scope_check CHECK ((scope = ANY (ARRAY['provider'::text, 'key'::text, 'model'::text])));
CREATE INDEX provider_pauses_ends_at ON chaperone.provider_pauses USING btree (ends_at);
alter table chaperone.provider_pauses enable row level security;
create policy tenant on chaperone.provider_pauses as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.provider_pauses to chaperone_tenant;
grant update (reason, began_at, ends_at, is_over) on chaperone.provider_pauses to chaperone_tenant;

create table chaperone.quota_counters (
  organization_id uuid not null,
  counter_id bigint not null,
  rule text not null,
  unit text not null,
  per text not null,
  scope text not null,
  window_start timestamp with time zone not null,
  window_end timestamp with time zone not null,
  used bigint not null default 0
);
alter table chaperone.quota_counters add constraint quota_counters_per_check CHECK ((per = ANY (ARRAY['Organization'::text, 'User'::text, 'Key'::text, 'Model'::text, 'Workload'::text, 'Session'::text])));
alter table chaperone.quota_counters add constraint quota_counters_pkey PRIMARY KEY (organization_id, counter_id);
alter table chaperone.quota_counters add constraint quota_counters_rule_check CHECK ((length(rule) <= 512));
alter table chaperone.quota_counters add constraint quota_counters_scope_check CHECK ((length(scope) <= 512));
alter table chaperone.quota_counters add constraint quota_counters_unit_check CHECK ((unit = ANY (ARRAY['requests'::text, 'tokens'::text, 'input_tokens'::text, 'output_tokens'::text, 'nano_usd'::text, 'concurrent'::text])));
alter table chaperone.quota_counters add constraint quota_counters_used_check CHECK ((used >= 0));
CREATE INDEX quota_counters_window ON chaperone.quota_counters USING btree (organization_id, window_end, rule);
alter table chaperone.quota_counters enable row level security;
create policy tenant on chaperone.quota_counters as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.quota_counters to chaperone_tenant;

create table chaperone.quota_leases (
  organization_id uuid not null,
  counter_id bigint not null,
  lease_id bigint not null,
  granted bigint not null default 0,
  spent bigint not null default 0,
  settled bigint not null default 0,
  expires_at timestamp with time zone not null,
  lacks_since timestamp with time zone,
  lacked_at timestamp with time zone
) with (fillfactor=50);
alter table chaperone.quota_leases add constraint quota_leases_granted_check CHECK ((granted >= 0));
alter table chaperone.quota_leases add constraint quota_leases_pkey PRIMARY KEY (organization_id, counter_id, lease_id);
alter table chaperone.quota_leases add constraint quota_leases_settled_check CHECK ((settled >= 0));
alter table chaperone.quota_leases add constraint quota_leases_spent_check CHECK ((spent >= 0));
alter table chaperone.quota_leases enable row level security;
create policy tenant on chaperone.quota_leases as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.quota_leases to chaperone_tenant;

create table chaperone.quoting_calls (
  organization_id uuid not null,
  request_id text not null,
  user_digest bytea not null,
  created_at timestamp with time zone not null default now()
);
alter table chaperone.quoting_calls add constraint quoting_calls_pkey PRIMARY KEY (organization_id, request_id);
alter table chaperone.quoting_calls add constraint quoting_calls_request_id_check CHECK ((length(request_id) <= 64));
CREATE INDEX quoting_calls_user ON chaperone.quoting_calls USING btree (organization_id, user_digest);
alter table chaperone.quoting_calls enable row level security;
create policy tenant on chaperone.quoting_calls as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.quoting_calls to chaperone_tenant;

create table chaperone.rating_history (
  organization_id uuid not null,
  request_id text not null,
  rating_id uuid not null,
  rating smallint not null,
  feedback text,
  rated_by uuid,
  rated_at timestamp with time zone not null
);
alter table chaperone.rating_history add constraint rating_history_pkey PRIMARY KEY (organization_id, request_id, rating_id);
alter table chaperone.rating_history add constraint rating_history_rating_check CHECK ((rating = ANY (ARRAY['-1'::integer, 1])));
alter table chaperone.rating_history enable row level security;
create policy tenant on chaperone.rating_history as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.rating_history to chaperone_tenant;

create table chaperone.ratings (
  organization_id uuid not null,
  request_id text not null,
  response_id text,
  rating smallint not null,
  feedback text,
  rated_by uuid,
  rated_at timestamp with time zone not null,
  user_id uuid,
  call_kind text,
  persona_id uuid,
  model text,
  requested_model text
);
alter table chaperone.ratings add constraint ratings_pkey PRIMARY KEY (organization_id, request_id);
alter table chaperone.ratings add constraint ratings_rating_check CHECK ((rating = ANY (ARRAY['-1'::integer, 1])));
CREATE INDEX ratings_rated_at ON chaperone.ratings USING btree (organization_id, rated_at);
CREATE INDEX ratings_user ON chaperone.ratings USING btree (organization_id, user_id, rated_at);
CREATE INDEX ratings_without_call ON chaperone.ratings USING btree (organization_id) WHERE (call_kind IS NULL);
alter table chaperone.ratings enable row level security;
create policy tenant on chaperone.ratings as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.ratings to chaperone_tenant;
grant update (response_id, rating, feedback, rated_by, rated_at, user_id, call_kind, persona_id, model, requested_model) on chaperone.ratings to chaperone_tenant;

create table chaperone.ratings_by_day (
  organization_id uuid not null,
  day date not null,
  call_kind text not null,
  persona_id uuid not null,
  model text not null,
  requested_model text not null,
  rated_count bigint not null,
  positive_count bigint not null
);
alter table chaperone.ratings_by_day add constraint ratings_by_day_pkey PRIMARY KEY (organization_id, day, call_kind, persona_id, model, requested_model);
alter table chaperone.ratings_by_day enable row level security;
create policy tenant on chaperone.ratings_by_day as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.ratings_by_day to chaperone_tenant;

create table chaperone.request_contents (
  organization_id uuid not null,
  request_id text not null,
  started_at timestamp with time zone not null,
  input_encrypted bytea storage external,
  output_encrypted bytea storage external,
  contents_encrypted bytea storage external
) partition by range (started_at);
alter table chaperone.request_contents add constraint request_contents_pkey PRIMARY KEY (organization_id, started_at, request_id);
alter table chaperone.request_contents enable row level security;
create policy tenant on chaperone.request_contents as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.request_contents to chaperone_tenant;

create table chaperone.request_contents_default partition of chaperone.request_contents default with (toast_tuple_target=8160);
alter table chaperone.request_contents_default enable row level security;

create table chaperone.requests (
  organization_id uuid not null,
  request_id text not null,
  started_at timestamp with time zone not null,
  kind text not null default 'call'::text,
  operation text not null,
  user_id uuid not null,
  session_id text not null,
  turn_id text,
  namespace text,
  workload text,
  persona_id uuid,
  api_key_id uuid,
  provider text not null,
  requested_model text,
  model text,
  is_stream boolean not null,
  status text not null,
  http_status integer,
  error_code text,
  response_id text,
  previous_response_id text,
  input_tokens bigint,
  cached_input_tokens bigint,
  cache_write_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  total_tokens bigint,
  cost_usd numeric(20,12),
  duration_ms integer,
  time_to_first_token_ms integer,
  input_audio_tokens bigint,
  input_image_tokens bigint,
  output_audio_tokens bigint,
  output_image_tokens bigint,
  images integer,
  image_size text,
  image_quality text,
  audio_seconds numeric(12,3),
  characters bigint,
  kept_ids bigint[],
  client_name text,
  client_version text,
  safety_identifier text,
  end_user text,
  guardrail_hits text[],
  attempts jsonb,
  cache_status text,
  avoided_cost_usd numeric(20,12),
  cache_savings_usd numeric(20,12),
  model_alias text,
  optimization_level text,
  service text,
  language text,
  conversation_id uuid,
  branch_id text,
  message_digest bigint,
  parent_digest bigint,
  new_messages integer,
  cached_audio_tokens bigint,
  cached_image_tokens bigint
) partition by range (started_at);
alter table chaperone.requests add constraint requests_attributes_check CHECK (((length(client_name) <= 64) AND (length(client_version) <= 32) AND (length(safety_identifier) <= 255) AND (length(end_user) <= 255))) NOT VALID;
alter table chaperone.requests add constraint requests_cached_parts_check CHECK (((cached_audio_tokens >= 0) AND (cached_audio_tokens <= '1000000000000'::bigint) AND (cached_image_tokens >= 0) AND (cached_image_tokens <= '1000000000000'::bigint))) NOT VALID;
alter table chaperone.requests add constraint requests_conversation_check CHECK (((branch_id ~ '^(main|branch-[0-9a-f]{8})$'::text) AND ((new_messages >= 0) AND (new_messages <= 1000000)))) NOT VALID;
alter table chaperone.requests add constraint requests_figures_check CHECK (((input_tokens >= 0) AND (input_tokens <= '1000000000000'::bigint) AND (cached_input_tokens >= 0) AND (cached_input_tokens <= '1000000000000'::bigint) AND (cache_write_tokens >= 0) AND (cache_write_tokens <= '1000000000000'::bigint) AND (output_tokens >= 0) AND (output_tokens <= '1000000000000'::bigint) AND (reasoning_tokens >= 0) AND (reasoning_tokens <= '1000000000000'::bigint) AND (total_tokens >= 0) AND (total_tokens <= '1000000000000'::bigint) AND (input_audio_tokens >= 0) AND (input_audio_tokens <= '1000000000000'::bigint) AND (input_image_tokens >= 0) AND (input_image_tokens <= '1000000000000'::bigint) AND (output_audio_tokens >= 0) AND (output_audio_tokens <= '1000000000000'::bigint) AND (output_image_tokens >= 0) AND (output_image_tokens <= '1000000000000'::bigint) AND (characters >= 0) AND (characters <= '1000000000000'::bigint) AND (cost_usd >= (0)::numeric) AND (cost_usd <= (10000000)::numeric) AND (duration_ms >= 0) AND (duration_ms <= 1209600000) AND (time_to_first_token_ms >= 0) AND (time_to_first_token_ms <= 1209600000) AND (images >= 0) AND (images <= 1000000) AND (audio_seconds >= (0)::numeric) AND (audio_seconds <= (100000000)::numeric)));
alter table chaperone.requests add constraint requests_kind_check CHECK ((kind = ANY (ARRAY['call'::text, 'analysis'::text])));
alter table chaperone.requests add constraint requests_pkey PRIMARY KEY (organization_id, started_at, request_id);
alter table chaperone.requests add constraint requests_savings_check CHECK (((avoided_cost_usd >= (0)::numeric) AND (avoided_cost_usd <= (10000000)::numeric) AND (cache_savings_usd >= (0)::numeric) AND (cache_savings_usd <= (10000000)::numeric))) NOT VALID;
alter table chaperone.requests add constraint requests_speech_check CHECK (((service = ANY (ARRAY['asr'::text, 'llm'::text, 'translation'::text, 'tts'::text])) AND (length(language) <= 35))) NOT VALID;
alter table chaperone.requests add constraint requests_started_at_check CHECK (((started_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (started_at < '10000-01-01 00:00:00+00'::timestamp with time zone)));
alter table chaperone.requests add constraint requests_status_check CHECK ((status = ANY (ARRAY['completed'::text, 'failed'::text, 'cancelled'::text, 'interrupted'::text])));
alter table chaperone.requests add constraint requests_texts_check CHECK (((length(request_id) <= 64) AND (length(session_id) <= 128) AND (length(turn_id) <= 128) AND (length(operation) <= 64) AND (length(provider) <= 253) AND (length(namespace) <= 253) AND (length(workload) <= 253) AND (length(requested_model) <= 200) AND (length(model) <= 200) AND (length(error_code) <= 200) AND (length(response_id) <= 200) AND (length(previous_response_id) <= 200) AND (length(image_size) <= 32) AND (length(image_quality) <= 32)));
CREATE INDEX requests_conversation ON chaperone.requests USING btree (organization_id, conversation_id, started_at) WHERE (conversation_id IS NOT NULL);
CREATE INDEX requests_end_user ON chaperone.requests USING btree (organization_id, end_user, started_at) WHERE (end_user IS NOT NULL);
CREATE INDEX requests_kept_ids ON chaperone.requests USING gin (kept_ids) WHERE (kept_ids IS NOT NULL);
CREATE INDEX requests_response_id ON chaperone.requests USING btree (organization_id, response_id) WHERE (response_id IS NOT NULL);
CREATE INDEX requests_safety_identifier ON chaperone.requests USING btree (organization_id, safety_identifier, started_at) WHERE (safety_identifier IS NOT NULL);
CREATE INDEX requests_session ON chaperone.requests USING btree (organization_id, session_id);
alter table chaperone.requests enable row level security;
create policy tenant on chaperone.requests as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.requests to chaperone_tenant;

create table chaperone.requests_default partition of chaperone.requests default;
alter table chaperone.requests_default enable row level security;

create table chaperone.resource_requests (
  uid text not null,
  operation text not null,
  generation bigint not null,
  digest bytea not null,
  requester text not null,
  requested_at timestamp with time zone not null default now()
);
alter table chaperone.resource_requests add constraint resource_requests_operation_check CHECK ((operation = ANY (ARRAY['CREATE'::text, 'UPDATE'::text, 'DELETE'::text])));
alter table chaperone.resource_requests add constraint resource_requests_pkey PRIMARY KEY (uid, operation, generation, requester, digest);
CREATE INDEX resource_requests_requested_at ON chaperone.resource_requests USING btree (requested_at);
alter table chaperone.resource_requests enable row level security;

create table chaperone.retention_states (
  organization_id uuid not null,
  kept_from timestamp with time zone,
  removed jsonb not null default '{}'::jsonb,
  updated_at timestamp with time zone not null default now()
);
alter table chaperone.retention_states add constraint retention_states_pkey PRIMARY KEY (organization_id);
alter table chaperone.retention_states enable row level security;

create table chaperone.review_comments (
  organization_id uuid not null,
  item_id text not null,
  number integer not null,
  user_id uuid not null,
  contents_encrypted bytea not null,
  created_at timestamp with time zone not null default clock_timestamp()
);
alter table chaperone.review_comments add constraint review_comments_item_id_check CHECK ((length(item_id) <= 64));
alter table chaperone.review_comments add constraint review_comments_number_check CHECK ((number > 0));
alter table chaperone.review_comments add constraint review_comments_pkey PRIMARY KEY (organization_id, item_id, number);
CREATE INDEX review_comments_user ON chaperone.review_comments USING btree (organization_id, user_id);
alter table chaperone.review_comments enable row level security;
create policy tenant on chaperone.review_comments as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.review_comments to chaperone_tenant;

create table chaperone.review_decisions (
  organization_id uuid not null,
  item_id text not null,
  number smallint not null,
  user_id uuid not null,
  approved boolean not null,
  contents_encrypted bytea,
  decided_at timestamp with time zone not null default clock_timestamp()
);
alter table chaperone.review_decisions add constraint review_decisions_item_id_check CHECK ((length(item_id) <= 64));
alter table chaperone.review_decisions add constraint review_decisions_number_check CHECK (((number >= 1) AND (number <= 3)));
alter table chaperone.review_decisions add constraint review_decisions_pkey PRIMARY KEY (organization_id, item_id, number);
CREATE INDEX review_decisions_decided ON chaperone.review_decisions USING btree (organization_id, decided_at) WHERE (number = 2);
CREATE INDEX review_decisions_user ON chaperone.review_decisions USING btree (organization_id, user_id);
CREATE UNIQUE INDEX review_decisions_reviewer ON chaperone.review_decisions USING btree (organization_id, item_id, user_id);
alter table chaperone.review_decisions enable row level security;
create policy tenant on chaperone.review_decisions as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.review_decisions to chaperone_tenant;

create table chaperone.review_items (
  organization_id uuid not null,
  item_id text not null,
  user_id uuid not null,
  about_user_id uuid not null,
  source text not null,
  category text not null,
  priority smallint not null,
  contents_encrypted bytea,
  reviews_needed smallint not null,
  status text not null default 'queued'::text,
  reviews smallint not null default 0,
  comments integer not null default 0,
  approved boolean,
  edited boolean not null default false,
  claimed_by uuid,
  claimed_until timestamp with time zone,
  created_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp(),
  reviewed_at timestamp with time zone,
  guardrail text,
  detector text,
  response_id text,
  held_until timestamp with time zone
);
alter table chaperone.review_items add constraint review_items_category_check CHECK ((length(category) <= 100));
alter table chaperone.review_items add constraint review_items_detector_check CHECK ((length(detector) <= 63));
alter table chaperone.review_items add constraint review_items_guardrail_check CHECK ((length(guardrail) <= 63));
alter table chaperone.review_items add constraint review_items_item_id_check CHECK ((length(item_id) <= 64));
alter table chaperone.review_items add constraint review_items_pkey PRIMARY KEY (organization_id, item_id);
alter table chaperone.review_items add constraint review_items_priority_check CHECK (((priority >= 1) AND (priority <= 5)));
alter table chaperone.review_items add constraint review_items_response_id_check CHECK ((length(response_id) <= 200));
alter table chaperone.review_items add constraint review_items_reviews_needed_check CHECK (((reviews_needed >= 1) AND (reviews_needed <= 2)));
alter table chaperone.review_items add constraint review_items_source_check CHECK ((source = ANY (ARRAY['api'::text, 'generation'::text, 'guardrail'::text])));
alter table chaperone.review_items add constraint review_items_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'reviewed'::text])));
CREATE INDEX review_items_about ON chaperone.review_items USING btree (organization_id, about_user_id);
CREATE INDEX review_items_held ON chaperone.review_items USING btree (held_until) WHERE ((status = 'queued'::text) AND (held_until IS NOT NULL));
CREATE INDEX review_items_open ON chaperone.review_items USING btree (organization_id, priority, created_at) WHERE (status = 'queued'::text);
CREATE INDEX review_items_reviewed ON chaperone.review_items USING btree (organization_id, reviewed_at) WHERE (status = 'reviewed'::text);
CREATE INDEX review_items_updated ON chaperone.review_items USING btree (organization_id, updated_at);
CREATE UNIQUE INDEX review_items_response ON chaperone.review_items USING btree (organization_id, user_id, response_id) WHERE (response_id IS NOT NULL);
alter table chaperone.review_items enable row level security;
create policy tenant on chaperone.review_items as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.review_items to chaperone_tenant;
grant update (category, priority, status, reviews, comments, approved, edited, claimed_by, claimed_until, updated_at, reviewed_at) on chaperone.review_items to chaperone_tenant;

create table chaperone.revocations (
  organization_id uuid not null,
  kind text not null,
  subject text not null,
  issued_before timestamp with time zone,
  expires_at timestamp with time zone,
  config_version bigint not null,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now()
);
alter table chaperone.revocations add constraint revocations_check CHECK (((kind = ANY (ARRAY['user'::text, 'all'::text])) = (issued_before IS NOT NULL)));
alter table chaperone.revocations add constraint revocations_kind_check CHECK ((kind = ANY (ARRAY['token'::text, 'user'::text, 'key'::text, 'all'::text])));
alter table chaperone.revocations add constraint revocations_pkey PRIMARY KEY (organization_id, kind, subject);
alter table chaperone.revocations add constraint revocations_subject_check CHECK ((length(subject) <= 1000));
CREATE INDEX revocations_config_version ON chaperone.revocations USING btree (organization_id, config_version);
alter table chaperone.revocations enable row level security;
create policy tenant on chaperone.revocations as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
create policy tenant_revokes_tokens on chaperone.revocations as restrictive for insert to chaperone_tenant
  with check (((kind = 'token'::text) AND (expires_at IS NOT NULL)));
grant insert (organization_id, kind, subject, expires_at) on chaperone.revocations to chaperone_tenant;
grant select on chaperone.revocations to chaperone_tenant;

create table chaperone.sentiment_days (
  organization_id uuid not null,
  day date not null,
  texts bigint not null default 0,
  positive bigint not null default 0,
  negative bigint not null default 0,
  score_sum bigint not null default 0
);
alter table chaperone.sentiment_days add constraint sentiment_days_pkey PRIMARY KEY (organization_id, day);
alter table chaperone.sentiment_days enable row level security;
create policy tenant on chaperone.sentiment_days as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.sentiment_days to chaperone_tenant;
grant update (texts, positive, negative, score_sum) on chaperone.sentiment_days to chaperone_tenant;

create table chaperone.session_costs (
  organization_id uuid not null,
  entry_id uuid not null,
  user_id uuid not null,
  session_id text not null,
  turn_id text,
  service text not null,
  provider text not null,
  operation text,
  units numeric(20,3),
  unit_type text,
  cost_usd numeric(20,12) not null,
  is_cached boolean,
  optimization_level text,
  occurred_at timestamp with time zone not null,
  created_at timestamp with time zone not null default now()
);
alter table chaperone.session_costs add constraint session_costs_cost_usd_check CHECK (((cost_usd >= (0)::numeric) AND (cost_usd <= (10000000)::numeric)));
alter table chaperone.session_costs add constraint session_costs_operation_check CHECK ((length(operation) <= 64));
alter table chaperone.session_costs add constraint session_costs_optimization_level_check CHECK ((optimization_level = ANY (ARRAY['quality'::text, 'balanced'::text, 'speed'::text])));
alter table chaperone.session_costs add constraint session_costs_pkey PRIMARY KEY (organization_id, entry_id);
alter table chaperone.session_costs add constraint session_costs_provider_check CHECK ((length(provider) <= 63));
alter table chaperone.session_costs add constraint session_costs_service_check CHECK ((service = ANY (ARRAY['asr'::text, 'llm'::text, 'translation'::text, 'tts'::text])));
alter table chaperone.session_costs add constraint session_costs_session_id_check CHECK ((length(session_id) <= 128));
alter table chaperone.session_costs add constraint session_costs_turn_id_check CHECK ((length(turn_id) <= 128));
alter table chaperone.session_costs add constraint session_costs_unit_type_check CHECK ((length(unit_type) <= 64));
alter table chaperone.session_costs add constraint session_costs_units_check CHECK ((units >= (0)::numeric));
CREATE INDEX session_costs_session ON chaperone.session_costs USING btree (organization_id, session_id);
CREATE INDEX session_costs_user ON chaperone.session_costs USING btree (organization_id, user_id);
alter table chaperone.session_costs enable row level security;
create policy tenant on chaperone.session_costs as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.session_costs to chaperone_tenant;

create table chaperone.session_facets (
  organization_id uuid not null,
  facet text not null,
  user_id uuid not null,
  first_call_at timestamp with time zone not null,
  session_id text not null,
  first_call_day date not null,
  last_call_day date not null
);
alter table chaperone.session_facets add constraint session_facets_pkey PRIMARY KEY (organization_id, facet, user_id, first_call_at, session_id);
CREATE INDEX session_facets_first_call_at ON chaperone.session_facets USING btree (organization_id, facet, first_call_at);
CREATE INDEX session_facets_over_days ON chaperone.session_facets USING btree (organization_id, facet, last_call_day, first_call_day) WHERE (first_call_day < last_call_day);
alter table chaperone.session_facets enable row level security;
create policy tenant on chaperone.session_facets as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.session_facets to chaperone_tenant;

create table chaperone.session_spans (
  organization_id uuid not null,
  first_day date not null,
  last_day date not null,
  user_id uuid not null,
  session_count integer not null,
  duration_ms bigint not null
) with (fillfactor=70);
alter table chaperone.session_spans add constraint session_spans_pkey PRIMARY KEY (organization_id, first_day, last_day, user_id);
alter table chaperone.session_spans enable row level security;
create policy tenant on chaperone.session_spans as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.session_spans to chaperone_tenant;

create table chaperone.session_turns (
  organization_id uuid not null,
  user_id uuid not null,
  session_id text not null,
  turn_id text not null,
  status text not null,
  asr_ms double precision,
  llm_ms double precision,
  translation_ms double precision,
  tts_ms double precision,
  total_ms double precision,
  closed_at timestamp with time zone not null default now()
);
alter table chaperone.session_turns add constraint session_turns_asr_ms_check CHECK ((asr_ms >= (0)::double precision));
alter table chaperone.session_turns add constraint session_turns_llm_ms_check CHECK ((llm_ms >= (0)::double precision));
alter table chaperone.session_turns add constraint session_turns_pkey PRIMARY KEY (organization_id, user_id, session_id, turn_id);
alter table chaperone.session_turns add constraint session_turns_session_id_check CHECK ((length(session_id) <= 128));
alter table chaperone.session_turns add constraint session_turns_status_check CHECK ((status = ANY (ARRAY['successful'::text, 'completed'::text, 'failed'::text, 'interrupted'::text])));
alter table chaperone.session_turns add constraint session_turns_total_ms_check CHECK ((total_ms >= (0)::double precision));
alter table chaperone.session_turns add constraint session_turns_translation_ms_check CHECK ((translation_ms >= (0)::double precision));
alter table chaperone.session_turns add constraint session_turns_tts_ms_check CHECK ((tts_ms >= (0)::double precision));
alter table chaperone.session_turns add constraint session_turns_turn_id_check CHECK ((length(turn_id) <= 128));
CREATE INDEX session_turns_session ON chaperone.session_turns USING btree (organization_id, session_id);
alter table chaperone.session_turns enable row level security;
create policy tenant on chaperone.session_turns as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.session_turns to chaperone_tenant;
grant update (status, asr_ms, llm_ms, translation_ms, tts_ms, total_ms, closed_at) on chaperone.session_turns to chaperone_tenant;

create table chaperone.session_usage (
  organization_id uuid not null,
  user_id uuid not null,
  session_id text not null,
  kind text not null,
  day date not null,
  persona_id uuid not null,
  model text not null,
  requested_model text not null,
  request_count integer not null,
  unpriced_count integer not null,
  total_tokens bigint not null,
  cost_usd numeric not null,
  first_request_at timestamp with time zone not null,
  last_request_at timestamp with time zone not null
) with (fillfactor=80);
alter table chaperone.session_usage add constraint session_usage_pkey PRIMARY KEY (organization_id, user_id, session_id, kind, day, persona_id, model, requested_model);
CREATE INDEX session_usage_day ON chaperone.session_usage USING btree (organization_id, kind, day);
alter table chaperone.session_usage enable row level security;
create policy tenant on chaperone.session_usage as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.session_usage to chaperone_tenant;

create table chaperone.sessions (
  organization_id uuid not null,
  user_id uuid not null,
  session_id text not null,
  started_at timestamp with time zone not null,
  last_request_at timestamp with time zone not null,
  first_call_at timestamp with time zone,
  last_call_at timestamp with time zone,
  first_call_day date,
  last_call_day date,
  facets text[],
  facets_first_call_at timestamp with time zone[],
  facets_last_call_at timestamp with time zone[]
) with (fillfactor=80);
alter table chaperone.sessions add constraint sessions_pkey PRIMARY KEY (organization_id, user_id, session_id);
CREATE INDEX sessions_first_call_at ON chaperone.sessions USING btree (organization_id, first_call_at);
CREATE INDEX sessions_over_days ON chaperone.sessions USING btree (organization_id, last_call_day, first_call_day) WHERE (first_call_day < last_call_day);
CREATE INDEX sessions_user ON chaperone.sessions USING btree (organization_id, user_id, first_call_at) WHERE (first_call_at IS NOT NULL);
alter table chaperone.sessions enable row level security;
create policy tenant on chaperone.sessions as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.sessions to chaperone_tenant;

create table chaperone.support_conversations (
  organization_id uuid not null,
  conversation_id text not null,
  user_id uuid not null,
  channel text not null,
  status text not null,
  reason text,
  assigned_agent text,
  metadata_encrypted bytea,
  messages integer not null default 0,
  turns integer not null default 0,
  answers integer not null default 0,
  response_ms bigint not null default 0,
  cost_usd numeric(20,12) not null default 0,
  rating smallint,
  comment_encrypted bytea,
  rated_at timestamp with time zone,
  created_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp(),
  escalated_at timestamp with time zone,
  resolved_at timestamp with time zone,
  language text,
  alerted_at timestamp with time zone
) with (fillfactor=80);
alter table chaperone.support_conversations add constraint support_conversations_assigned_agent_check CHECK ((length(assigned_agent) <= 255));
alter table chaperone.support_conversations add constraint support_conversations_channel_check CHECK ((length(channel) <= 64));
alter table chaperone.support_conversations add constraint support_conversations_conversation_id_check CHECK ((length(conversation_id) <= 64));
alter table chaperone.support_conversations add constraint support_conversations_language_check CHECK ((language ~ '^[a-z]{2}$'::text));
alter table chaperone.support_conversations add constraint support_conversations_pkey PRIMARY KEY (organization_id, conversation_id);
alter table chaperone.support_conversations add constraint support_conversations_rating_check CHECK (((rating >= 1) AND (rating <= 5)));
alter table chaperone.support_conversations add constraint support_conversations_reason_check CHECK ((reason = ANY (ARRAY['low_confidence'::text, 'customer_request'::text, 'negative_sentiment'::text, 'turn_limit'::text, 'topic'::text, 'manual'::text])));
alter table chaperone.support_conversations add constraint support_conversations_status_check CHECK ((status = ANY (ARRAY['active'::text, 'escalated'::text, 'resolved'::text])));
CREATE INDEX support_conversations_created ON chaperone.support_conversations USING btree (organization_id, created_at);
CREATE INDEX support_conversations_idle ON chaperone.support_conversations USING btree (organization_id, updated_at) WHERE (status = 'active'::text);
CREATE INDEX support_conversations_updated ON chaperone.support_conversations USING btree (organization_id, updated_at);
CREATE INDEX support_conversations_user ON chaperone.support_conversations USING btree (organization_id, user_id);
alter table chaperone.support_conversations enable row level security;
create policy tenant on chaperone.support_conversations as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.support_conversations to chaperone_tenant;
grant update (status, reason, assigned_agent, messages, turns, answers, response_ms, cost_usd, rating, comment_encrypted, rated_at, updated_at, escalated_at, resolved_at, language, alerted_at) on chaperone.support_conversations to chaperone_tenant;

create table chaperone.support_days (
  organization_id uuid not null,
  day date not null,
  conversations bigint not null,
  ai_resolved bigint not null,
  escalated bigint not null,
  answers bigint not null,
  response_ms bigint not null,
  ratings bigint not null,
  rating_sum bigint not null
) with (fillfactor=70);
alter table chaperone.support_days add constraint support_days_pkey PRIMARY KEY (organization_id, day);
alter table chaperone.support_days enable row level security;
create policy tenant on chaperone.support_days as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.support_days to chaperone_tenant;

create table chaperone.support_messages (
  organization_id uuid not null,
  conversation_id text not null,
  number integer not null,
  message_id text not null,
  sender text not null,
  status text not null,
  contents_encrypted bytea,
  confidence double precision,
  sources text[] not null default '{}'::text[],
  error_code text,
  held_until timestamp with time zone,
  created_at timestamp with time zone not null default clock_timestamp(),
  completed_at timestamp with time zone
);
alter table chaperone.support_messages add constraint support_messages_conversation_id_check CHECK ((length(conversation_id) <= 64));
alter table chaperone.support_messages add constraint support_messages_error_code_check CHECK ((length(error_code) <= 64));
alter table chaperone.support_messages add constraint support_messages_message_id_check CHECK ((length(message_id) <= 64));
alter table chaperone.support_messages add constraint support_messages_number_check CHECK ((number > 0));
alter table chaperone.support_messages add constraint support_messages_pkey PRIMARY KEY (organization_id, conversation_id, number);
alter table chaperone.support_messages add constraint support_messages_sender_check CHECK ((sender = ANY (ARRAY['user'::text, 'ai'::text, 'agent'::text])));
alter table chaperone.support_messages add constraint support_messages_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'completed'::text, 'failed'::text, 'withheld'::text])));
alter table chaperone.support_messages enable row level security;
create policy tenant on chaperone.support_messages as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.support_messages to chaperone_tenant;
grant update (status, contents_encrypted, confidence, sources, error_code, held_until, completed_at) on chaperone.support_messages to chaperone_tenant;

create table chaperone.support_rotas (
  organization_id uuid not null,
  assigned bigint not null
);
alter table chaperone.support_rotas add constraint support_rotas_pkey PRIMARY KEY (organization_id);
alter table chaperone.support_rotas enable row level security;
create policy tenant on chaperone.support_rotas as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.support_rotas to chaperone_tenant;
grant update (assigned) on chaperone.support_rotas to chaperone_tenant;

create table chaperone.text_batches (
  organization_id uuid not null,
  batch_id text not null,
  user_id uuid not null,
  requested_by text,
  status text not null,
  total integer not null,
  done integer not null default 0,
  failed integer not null default 0,
  texts_encrypted bytea,
  results_encrypted bytea,
  error_code text,
  error_message text,
  created_at timestamp with time zone not null default clock_timestamp(),
  completed_at timestamp with time zone
);
alter table chaperone.text_batches add constraint text_batches_batch_id_check CHECK ((length(batch_id) <= 64));
alter table chaperone.text_batches add constraint text_batches_error_code_check CHECK ((length(error_code) <= 64));
alter table chaperone.text_batches add constraint text_batches_error_message_check CHECK ((length(error_message) <= 500));
alter table chaperone.text_batches add constraint text_batches_pkey PRIMARY KEY (organization_id, batch_id);
alter table chaperone.text_batches add constraint text_batches_requested_by_check CHECK ((length(requested_by) <= 255));
alter table chaperone.text_batches add constraint text_batches_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'processing'::text, 'completed'::text, 'failed'::text])));
alter table chaperone.text_batches add constraint text_batches_total_check CHECK ((total > 0));
CREATE INDEX text_batches_user ON chaperone.text_batches USING btree (organization_id, user_id);
alter table chaperone.text_batches enable row level security;
create policy tenant on chaperone.text_batches as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.text_batches to chaperone_tenant;
grant update (status, done, failed, texts_encrypted, results_encrypted, error_code, error_message, completed_at) on chaperone.text_batches to chaperone_tenant;

create table chaperone.training_jobs (
  organization_id uuid not null,
  job_id text not null,
  base_model text not null,
  training_data_uri text not null,
  validation_data_uri text,
  hyperparameters jsonb not null,
  instance_count integer not null,
  instance_type text not null,
  model_output_uri text not null,
  status text not null default 'STARTING'::text,
  message text,
  progress jsonb,
  log text,
  cancel_requested_at timestamp with time zone,
  created_at timestamp with time zone not null default clock_timestamp(),
  started_at timestamp with time zone,
  completed_at timestamp with time zone
);
alter table chaperone.training_jobs add constraint training_jobs_base_model_check CHECK ((length(base_model) <= 128));
alter table chaperone.training_jobs add constraint training_jobs_hyperparameters_check CHECK ((octet_length((hyperparameters)::text) <= 16384));
alter table chaperone.training_jobs add constraint training_jobs_instance_count_check CHECK (((instance_count >= 1) AND (instance_count <= 1000)));
alter table chaperone.training_jobs add constraint training_jobs_instance_type_check CHECK ((length(instance_type) <= 63));
alter table chaperone.training_jobs add constraint training_jobs_job_id_check CHECK ((job_id ~ '^train-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{10}$'::text));
alter table chaperone.training_jobs add constraint training_jobs_message_check CHECK ((length(message) <= 1000));
alter table chaperone.training_jobs add constraint training_jobs_model_output_uri_check CHECK ((length(model_output_uri) <= 1024));
alter table chaperone.training_jobs add constraint training_jobs_pkey PRIMARY KEY (organization_id, job_id);
alter table chaperone.training_jobs add constraint training_jobs_status_check CHECK ((status = ANY (ARRAY['STARTING'::text, 'IN_PROGRESS'::text, 'CANCELLING'::text, 'COMPLETED'::text, 'FAILED'::text, 'CANCELLED'::text])));
alter table chaperone.training_jobs add constraint training_jobs_training_data_uri_check CHECK ((length(training_data_uri) <= 1024));
alter table chaperone.training_jobs add constraint training_jobs_validation_data_uri_check CHECK ((length(validation_data_uri) <= 1024));
CREATE INDEX training_jobs_created ON chaperone.training_jobs USING btree (organization_id, created_at);
CREATE INDEX training_jobs_open ON chaperone.training_jobs USING btree (organization_id, created_at) WHERE (completed_at IS NULL);
CREATE INDEX training_jobs_output ON chaperone.training_jobs USING btree (organization_id, model_output_uri);
alter table chaperone.training_jobs enable row level security;
create policy tenant on chaperone.training_jobs as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert (organization_id, job_id, base_model, training_data_uri, validation_data_uri, hyperparameters, instance_count, instance_type, model_output_uri) on chaperone.training_jobs to chaperone_tenant;
grant select on chaperone.training_jobs to chaperone_tenant;
grant update (cancel_requested_at) on chaperone.training_jobs to chaperone_tenant;

create table chaperone.unfolded_usage (
  organization_id uuid not null,
  pending_id uuid not null default gen_random_uuid(),
  started_at timestamp with time zone[] storage external not null,
  request_id text[] storage external not null
);
alter table chaperone.unfolded_usage add constraint usage_pending_pkey PRIMARY KEY (organization_id, pending_id);
alter table chaperone.unfolded_usage enable row level security;

create table chaperone.users (
  organization_id uuid not null,
  user_id uuid not null,
  external_id text not null,
  is_active boolean not null default true,
  created_at timestamp with time zone not null default now(),
  display_name text,
  config_version bigint,
  updated_at timestamp with time zone not null default now()
);
alter table chaperone.users add constraint users_organization_id_external_id_key UNIQUE (organization_id, external_id);
alter table chaperone.users add constraint users_pkey PRIMARY KEY (organization_id, user_id);
CREATE INDEX users_config_version ON chaperone.users USING btree (organization_id, config_version) WHERE (config_version IS NOT NULL);
alter table chaperone.users enable row level security;
create policy tenant on chaperone.users as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)))
  with check ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.users to chaperone_tenant;
grant update (is_active, display_name, updated_at) on chaperone.users to chaperone_tenant;

create table chaperone.webhook_deliveries (
  organization_id uuid not null,
  delivery_id uuid not null,
  webhook_id uuid not null,
  event_id uuid not null,
  subject text not null,
  sequence bigint not null,
  state text not null default 'waiting'::text,
  attempts integer not null default 0,
  last_attempt_at timestamp with time zone,
  last_status integer,
  last_error text,
  last_duration_ms double precision,
  created_at timestamp with time zone not null default now(),
  ended_at timestamp with time zone
);
alter table chaperone.webhook_deliveries add constraint webhook_deliveries_last_error_check CHECK ((length(last_error) <= 1000));
alter table chaperone.webhook_deliveries add constraint webhook_deliveries_pkey PRIMARY KEY (organization_id, delivery_id);
alter table chaperone.webhook_deliveries add constraint webhook_deliveries_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'delivered'::text, 'dead'::text])));
alter table chaperone.webhook_deliveries add constraint webhook_deliveries_subject_check CHECK ((length(subject) <= 200));
CREATE INDEX webhook_deliveries_ended_at ON chaperone.webhook_deliveries USING btree (ended_at);
CREATE INDEX webhook_deliveries_event ON chaperone.webhook_deliveries USING btree (organization_id, event_id);
CREATE INDEX webhook_deliveries_log ON chaperone.webhook_deliveries USING btree (organization_id, webhook_id, sequence);
CREATE INDEX webhook_deliveries_waiting ON chaperone.webhook_deliveries USING btree (organization_id, webhook_id, subject, sequence) WHERE (state = 'waiting'::text);
alter table chaperone.webhook_deliveries enable row level security;
create policy tenant on chaperone.webhook_deliveries as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.webhook_deliveries to chaperone_tenant;
grant update (state, attempts, last_attempt_at, last_status, last_error, last_duration_ms, ended_at) on chaperone.webhook_deliveries to chaperone_tenant;

create table chaperone.webhook_events (
  organization_id uuid not null,
  event_id uuid not null,
  type text not null,
  subject text not null,
  user_id uuid,
  data jsonb not null,
  occurred_at timestamp with time zone not null default now()
);
alter table chaperone.webhook_events add constraint webhook_events_data_check CHECK (((jsonb_typeof(data) = 'object'::text) AND (length((data)::text) <= 65536)));
alter table chaperone.webhook_events add constraint webhook_events_pkey PRIMARY KEY (organization_id, event_id);
alter table chaperone.webhook_events add constraint webhook_events_subject_check CHECK ((length(subject) <= 200));
alter table chaperone.webhook_events add constraint webhook_events_type_check CHECK (((type ~ '^[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+$'::text) AND (length(type) <= 64)));
CREATE INDEX webhook_events_user ON chaperone.webhook_events USING btree (organization_id, user_id);
alter table chaperone.webhook_events enable row level security;
create policy tenant on chaperone.webhook_events as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.webhook_events to chaperone_tenant;

create table chaperone.webhook_states (
  organization_id uuid not null,
  webhook_id uuid not null,
  failing_since timestamp with time zone,
  disabled_at timestamp with time zone,
  reason text
);
alter table chaperone.webhook_states add constraint webhook_states_pkey PRIMARY KEY (organization_id, webhook_id);
alter table chaperone.webhook_states add constraint webhook_states_reason_check CHECK ((length(reason) <= 1000));
alter table chaperone.webhook_states enable row level security;
create policy tenant on chaperone.webhook_states as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert, select on chaperone.webhook_states to chaperone_tenant;
grant update (failing_since, disabled_at, reason) on chaperone.webhook_states to chaperone_tenant;

create table chaperone.webhooks (
  organization_id uuid not null,
  webhook_id uuid not null,
  resource text,
  name text not null,
  url text not null,
  events text[],
  secrets_encrypted bytea not null,
  is_active boolean not null default true,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone
);
alter table chaperone.webhooks add constraint webhooks_name_check CHECK ((length(name) <= 200));
alter table chaperone.webhooks add constraint webhooks_pkey PRIMARY KEY (organization_id, webhook_id);
alter table chaperone.webhooks add constraint webhooks_url_check CHECK ((length(url) <= 2048));
CREATE UNIQUE INDEX webhooks_name ON chaperone.webhooks USING btree (organization_id, name) WHERE (deleted_at IS NULL);
alter table chaperone.webhooks enable row level security;
create policy api_made on chaperone.webhooks as restrictive for update to chaperone_tenant
  using ((resource IS NULL))
  with check ((resource IS NULL));
create policy tenant on chaperone.webhooks as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant insert (organization_id, webhook_id, name, url, events, secrets_encrypted, is_active) on chaperone.webhooks to chaperone_tenant;
grant select on chaperone.webhooks to chaperone_tenant;
grant update (name, url, events, secrets_encrypted, is_active, updated_at, deleted_at) on chaperone.webhooks to chaperone_tenant;

create table chaperone.weekly_usage (
  organization_id uuid not null,
  grain text not null,
  week date not null,
  kind text not null,
  user_id uuid not null,
  persona_id uuid not null,
  model text not null,
  requested_model text not null,
  completed_count integer not null,
  failed_count integer not null,
  cancelled_count integer not null,
  interrupted_count integer not null,
  unpriced_count integer not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  total_tokens bigint not null,
  cost_usd numeric not null,
  duration_ms bigint not null,
  duration_count integer not null,
  last_request_at timestamp with time zone not null,
  cache_hit_count integer not null default 0,
  cache_miss_count integer not null default 0,
  unpriced_hit_count integer not null default 0,
  avoided_cost_usd numeric not null default 0,
  cache_savings_usd numeric not null default 0
) partition by list (grain);
alter table chaperone.weekly_usage add constraint weekly_usage_pkey PRIMARY KEY (organization_id, grain, week, kind, user_id, persona_id, model, requested_model);
CREATE INDEX weekly_usage_by_persona ON chaperone.weekly_usage USING btree (organization_id, grain, persona_id, week);
CREATE INDEX weekly_usage_by_user ON chaperone.weekly_usage USING btree (organization_id, grain, user_id, week);
alter table chaperone.weekly_usage enable row level security;
create policy tenant on chaperone.weekly_usage as permissive for all to chaperone_tenant
  using ((organization_id = ( SELECT chaperone.current_organization_id() AS current_organization_id)));
grant select on chaperone.weekly_usage to chaperone_tenant;

create table chaperone.weekly_usage_both partition of chaperone.weekly_usage for values in ('both') with (fillfactor=70);
alter table chaperone.weekly_usage_both enable row level security;

create table chaperone.weekly_usage_persona partition of chaperone.weekly_usage for values in ('persona') with (fillfactor=70);
alter table chaperone.weekly_usage_persona enable row level security;

create table chaperone.weekly_usage_user partition of chaperone.weekly_usage for values in ('user') with (fillfactor=70);
alter table chaperone.weekly_usage_user enable row level security;

create table chaperone.workers (
  worker_id text not null,
  started_at timestamp with time zone not null default clock_timestamp(),
  beat_at timestamp with time zone not null default clock_timestamp()
);
alter table chaperone.workers add constraint workers_pkey PRIMARY KEY (worker_id);
alter table chaperone.workers enable row level security;

alter table chaperone.conversation_analyses add constraint conversation_analyses_conversation FOREIGN KEY (organization_id, conversation_id) REFERENCES chaperone.conversations(organization_id, conversation_id) ON DELETE CASCADE;

CREATE TRIGGER stamp_config_version BEFORE INSERT OR UPDATE ON chaperone.access_keys FOR EACH ROW EXECUTE FUNCTION chaperone.stamp_config_version();

CREATE TRIGGER stamp_config_version BEFORE INSERT OR UPDATE ON chaperone.analysis_configs FOR EACH ROW EXECUTE FUNCTION chaperone.stamp_config_version();

CREATE TRIGGER forget_late BEFORE INSERT ON chaperone.analysis_results FOR EACH ROW EXECUTE FUNCTION chaperone.forget_late();

CREATE TRIGGER stamp_config_version BEFORE INSERT OR UPDATE ON chaperone.api_keys FOR EACH ROW EXECUTE FUNCTION chaperone.stamp_config_version();

CREATE TRIGGER keep_audit_log BEFORE DELETE OR UPDATE ON chaperone.audit_log FOR EACH ROW EXECUTE FUNCTION chaperone.keep_audit_log();

CREATE TRIGGER keep_audit_log_whole BEFORE TRUNCATE ON chaperone.audit_log FOR EACH STATEMENT EXECUTE FUNCTION chaperone.keep_audit_log();

CREATE TRIGGER forget_late BEFORE INSERT ON chaperone.guardrail_blocks FOR EACH ROW EXECUTE FUNCTION chaperone.forget_late();

CREATE TRIGGER forget_late BEFORE INSERT ON chaperone.job_intents FOR EACH ROW EXECUTE FUNCTION chaperone.forget_late();

CREATE TRIGGER count_added_terms AFTER INSERT ON chaperone.knowledge_passages REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION chaperone.count_terms();

CREATE TRIGGER count_removed_terms AFTER DELETE ON chaperone.knowledge_passages REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION chaperone.count_terms();

CREATE TRIGGER stamp_config_version BEFORE INSERT OR UPDATE OF name, address, key_encrypted, delete_requested_at, deleted_at ON chaperone.model_deployments FOR EACH ROW EXECUTE FUNCTION chaperone.stamp_config_version();

CREATE TRIGGER stamp_config_version BEFORE INSERT OR UPDATE ON chaperone.organizations FOR EACH ROW EXECUTE FUNCTION chaperone.stamp_config_version();

CREATE TRIGGER forget_late BEFORE INSERT ON chaperone.owned_resources FOR EACH ROW EXECUTE FUNCTION chaperone.forget_late();

CREATE TRIGGER forget_late BEFORE INSERT ON chaperone.pending_calls FOR EACH ROW EXECUTE FUNCTION chaperone.forget_late();

CREATE TRIGGER stamp_config_version BEFORE INSERT OR UPDATE ON chaperone.personas FOR EACH ROW EXECUTE FUNCTION chaperone.stamp_config_version();

CREATE TRIGGER forget_late BEFORE INSERT ON chaperone.rating_history FOR EACH ROW EXECUTE FUNCTION chaperone.forget_late();

CREATE TRIGGER count_ratings_changed AFTER UPDATE ON chaperone.ratings REFERENCING OLD TABLE AS former NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION chaperone.count_ratings();

CREATE TRIGGER count_ratings_gone AFTER DELETE ON chaperone.ratings REFERENCING OLD TABLE AS former FOR EACH STATEMENT EXECUTE FUNCTION chaperone.count_ratings();

CREATE TRIGGER count_ratings_made AFTER INSERT ON chaperone.ratings REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION chaperone.count_ratings();

CREATE TRIGGER forget_late BEFORE INSERT ON chaperone.ratings FOR EACH ROW EXECUTE FUNCTION chaperone.forget_late();

CREATE TRIGGER note_conversations AFTER INSERT ON chaperone.requests REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION chaperone.note_conversations();

CREATE TRIGGER note_usage AFTER INSERT ON chaperone.requests REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION chaperone.note_usage();

CREATE TRIGGER stamp_config_version BEFORE INSERT OR UPDATE ON chaperone.revocations FOR EACH ROW EXECUTE FUNCTION chaperone.stamp_config_version();

CREATE TRIGGER count_support AFTER INSERT OR UPDATE OF status, answers, response_ms, rating, escalated_at ON chaperone.support_conversations FOR EACH ROW EXECUTE FUNCTION chaperone.count_support();

CREATE TRIGGER stamp_config_version BEFORE UPDATE OF is_active, user_id ON chaperone.users FOR EACH ROW EXECUTE FUNCTION chaperone.stamp_config_version();
