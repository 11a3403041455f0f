-- Sessions by persona and by model, so that a question about those of one persona or one model finds them by an index, and
-- reads neither all sessions nor all that they used.

-- A fold or an erasure that has begun by the functions as they were would not know of the facets: it ends before this, or
-- does not find its table any more and leaves what it had to the next.
alter table chaperone.usage_folds rename to fold_turns;

-- The facets of a session's calls, `persona:` and an id or `model:` and a name, be it of the model that answered or of the
-- one that was asked for; and when the first and the last call with each of them was. They stand here, too, so that a fold
-- finds them with the session, and most of its calls write no more than this row.
alter table chaperone.sessions
  add column facets text[] collate "C",
  add column facets_first_call_at timestamptz[],
  add column facets_last_call_at timestamptz[],
  set (fillfactor = 80);
update chaperone.sessions s
set facets = f.facets, facets_first_call_at = f.first_call_at, facets_last_call_at = f.last_call_at
from (
  select organization_id, user_id, session_id, array_agg(facet) as facets, array_agg(first_at) as first_call_at,
    array_agg(last_at) as last_call_at
  from (
    select organization_id, user_id, session_id, facet, min(first_request_at) as first_at, max(last_request_at) as last_at
    from chaperone.session_usage,
      unnest(array['persona:' || nullif(persona_id, '00000000-0000-0000-0000-000000000000'), 'model:' || nullif(model, ''),
        'model:' || nullif(requested_model, '')]) facet
    where kind = 'call' and facet is not null
    group by organization_id, user_id, session_id, facet
  ) g
  group by organization_id, user_id, session_id
) f
where s.organization_id = f.organization_id and s.user_id = f.user_id and s.session_id = f.session_id;

-- The sessions with a facet, in the order of their first calls with it: an index over the arrays above.
create table chaperone.session_facets (
  organization_id uuid not null,
  facet text collate "C" not null,
  user_id uuid not null,
  first_call_at timestamptz not null,
  session_id text not null,
  first_call_day date not null,
  last_call_day date not null
);
insert into chaperone.session_facets
select organization_id, facet, user_id, first_at, session_id, (first_at at time zone 'UTC')::date,
  (last_at at time zone 'UTC')::date
from chaperone.sessions, unnest(facets, facets_first_call_at, facets_last_call_at) f (facet, first_at, last_at)
order by first_at;
alter table chaperone.session_facets add primary key (organization_id, facet, user_id, first_call_at, session_id);
create index session_facets_first_call_at on chaperone.session_facets (organization_id, facet, first_call_at);
create index session_facets_over_days on chaperone.session_facets (organization_id, facet, last_call_day, first_call_day)
  where first_call_day < last_call_day;
alter table chaperone.session_facets enable row level security;
create policy tenant on chaperone.session_facets to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.session_facets to chaperone_tenant;

-- What `session_spans` says of sessions, of those with one facet.
create table chaperone.facet_spans (
  organization_id uuid not null,
  facet text collate "C" not null,
  first_day date not null,
  last_day date not null,
  user_id uuid not null,
  session_count integer not null,
  duration_ms bigint not null,
  primary key (organization_id, facet, first_day, last_day, user_id)
) with (fillfactor = 70);
insert into chaperone.facet_spans
select organization_id, facet, (first_at at time zone 'UTC')::date, (last_at at time zone 'UTC')::date, user_id, count(*),
  extract(epoch from sum(last_at - first_at)) * 1000
from chaperone.sessions, unnest(facets, facets_first_call_at, facets_last_call_at) f (facet, first_at, last_at)
group by 1, 2, 3, 4, user_id;
alter table chaperone.facet_spans enable row level security;
create policy tenant on chaperone.facet_spans to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.facet_spans to chaperone_tenant;

-- Adds what is pending of one organization to its sums. Where another session is at it: waits for it, or leaves it to it.
create or replace function chaperone.fold_usage_of(organization uuid, wait boolean) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  -- A plan that was made while the tables were small reads all sessions of a user for each of them once they are large.
  set plan_cache_mode = force_custom_plan
  -- Of twenty thousand calls of as many sessions nothing is written to a file.
  set work_mem = '32MB'
as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
begin
  -- What a fold under way has taken is still to be seen until it ends, so nothing is missed here.
  if not exists (select from chaperone.unfolded_usage where organization_id = organization) then
    return;
  end if;
  insert into chaperone.fold_turns (organization_id) values (organization) on conflict do nothing;
  if wait then
    perform from chaperone.fold_turns where organization_id = organization for update;
  else
    perform from chaperone.fold_turns where organization_id = organization for update skip locked;
    if not found then
      return;
    end if;
  end if;

  with taken as (
    delete from chaperone.unfolded_usage where organization_id = organization returning started_at, request_id
  ), fact as materialized (
    select r.user_id, r.session_id, r.kind, (r.started_at at time zone 'UTC')::date as day,
      coalesce(r.persona_id, nobody) as persona_id, coalesce(r.model, r.requested_model, '') as model,
      coalesce(r.requested_model, '') as requested_model, r.status,
      r.cost_usd is null and (r.status = 'completed' or r.total_tokens is not null) as is_unpriced,
      r.input_tokens, r.output_tokens, r.total_tokens, r.cost_usd, r.duration_ms, r.started_at
    from taken, unnest(taken.started_at, taken.request_id) as p (started_at, request_id)
      join chaperone.requests r
        on r.organization_id = organization and r.started_at = p.started_at and r.request_id = p.request_id
  ), part_sums as materialized (
    select user_id, session_id, kind, day, persona_id, model, requested_model, count(*)::integer as request_count,
      (count(*) filter (where status = 'completed'))::integer as completed_count,
      (count(*) filter (where status = 'failed'))::integer as failed_count,
      (count(*) filter (where status = 'cancelled'))::integer as cancelled_count,
      (count(*) filter (where status = 'interrupted'))::integer as interrupted_count,
      (count(*) filter (where is_unpriced))::integer as unpriced_count, coalesce(sum(input_tokens), 0) as input_tokens,
      coalesce(sum(output_tokens), 0) as output_tokens, coalesce(sum(total_tokens), 0) as total_tokens,
      coalesce(sum(cost_usd), 0) as cost_usd, coalesce(sum(duration_ms), 0) as duration_ms,
      count(duration_ms)::integer as duration_count, min(started_at) as first_request_at,
      max(started_at) as last_request_at
    from fact
    group by user_id, session_id, kind, day, persona_id, model, requested_model
  ), day_sums as materialized (
    select case grouping(user_id, persona_id) when 0 then 'both' when 1 then 'user' else 'persona' end as grain, day, kind,
      coalesce(user_id, nobody) as user_id, coalesce(persona_id, nobody) as persona_id, model, requested_model,
      sum(completed_count) as completed_count, sum(failed_count) as failed_count, sum(cancelled_count) as cancelled_count,
      sum(interrupted_count) as interrupted_count, sum(unpriced_count) as unpriced_count, sum(input_tokens) as input_tokens,
      sum(output_tokens) as output_tokens, sum(total_tokens) as total_tokens, sum(cost_usd) as cost_usd,
      sum(duration_ms) as duration_ms, sum(duration_count) as duration_count, max(last_request_at) as last_request_at
    from part_sums
    group by day, kind, model, requested_model, grouping sets ((user_id, persona_id), (user_id), (persona_id))
  ), days as (
    insert into chaperone.daily_usage as u (organization_id, grain, day, kind, user_id, persona_id, model, requested_model,
      completed_count, failed_count, cancelled_count, interrupted_count, unpriced_count, input_tokens, output_tokens,
      total_tokens, cost_usd, duration_ms, duration_count, last_request_at)
    select organization, s.*
    from day_sums s
    on conflict (organization_id, grain, day, kind, user_id, persona_id, model, requested_model) do update
      set completed_count = u.completed_count + excluded.completed_count,
          failed_count = u.failed_count + excluded.failed_count,
          cancelled_count = u.cancelled_count + excluded.cancelled_count,
          interrupted_count = u.interrupted_count + excluded.interrupted_count,
          unpriced_count = u.unpriced_count + excluded.unpriced_count,
          input_tokens = u.input_tokens + excluded.input_tokens,
          output_tokens = u.output_tokens + excluded.output_tokens,
          total_tokens = u.total_tokens + excluded.total_tokens,
          cost_usd = u.cost_usd + excluded.cost_usd,
          duration_ms = u.duration_ms + excluded.duration_ms,
          duration_count = u.duration_count + excluded.duration_count,
          last_request_at = greatest(u.last_request_at, excluded.last_request_at)
  ), weeks as (
    insert into chaperone.weekly_usage as u (organization_id, grain, week, kind, user_id, persona_id, model, requested_model,
      completed_count, failed_count, cancelled_count, interrupted_count, unpriced_count, input_tokens, output_tokens,
      total_tokens, cost_usd, duration_ms, duration_count, last_request_at)
    select organization, grain, date_trunc('week', day::timestamp)::date, kind, user_id, persona_id, model,
      requested_model, sum(completed_count), sum(failed_count),
      sum(cancelled_count), sum(interrupted_count), sum(unpriced_count), sum(input_tokens), sum(output_tokens),
      sum(total_tokens), sum(cost_usd), sum(duration_ms), sum(duration_count), max(last_request_at)
    from day_sums
    group by 2, 3, kind, user_id, persona_id, model, requested_model
    on conflict (organization_id, grain, week, kind, user_id, persona_id, model, requested_model) do update
      set completed_count = u.completed_count + excluded.completed_count,
          failed_count = u.failed_count + excluded.failed_count,
          cancelled_count = u.cancelled_count + excluded.cancelled_count,
          interrupted_count = u.interrupted_count + excluded.interrupted_count,
          unpriced_count = u.unpriced_count + excluded.unpriced_count,
          input_tokens = u.input_tokens + excluded.input_tokens,
          output_tokens = u.output_tokens + excluded.output_tokens,
          total_tokens = u.total_tokens + excluded.total_tokens,
          cost_usd = u.cost_usd + excluded.cost_usd,
          duration_ms = u.duration_ms + excluded.duration_ms,
          duration_count = u.duration_count + excluded.duration_count,
          last_request_at = greatest(u.last_request_at, excluded.last_request_at)
  ), parts as (
    insert into chaperone.session_usage as u (organization_id, user_id, session_id, kind, day, persona_id, model,
      requested_model, request_count, unpriced_count, total_tokens, cost_usd, first_request_at, last_request_at)
    select organization, user_id, session_id, kind, day, persona_id, model, requested_model, request_count, unpriced_count,
      total_tokens, cost_usd, first_request_at, last_request_at
    from part_sums
    on conflict (organization_id, user_id, session_id, kind, day, persona_id, model, requested_model) do update
      set request_count = u.request_count + excluded.request_count,
          unpriced_count = u.unpriced_count + excluded.unpriced_count,
          total_tokens = u.total_tokens + excluded.total_tokens,
          cost_usd = u.cost_usd + excluded.cost_usd,
          first_request_at = least(u.first_request_at, excluded.first_request_at),
          last_request_at = greatest(u.last_request_at, excluded.last_request_at)
  ), seen as materialized (
    select p.user_id, p.session_id, s.first_call_at, s.last_call_at, s.facets, s.facets_first_call_at, s.facets_last_call_at
    from (select distinct user_id, session_id from part_sums) p
      join chaperone.sessions s
        on s.organization_id = organization and s.user_id = p.user_id and s.session_id = p.session_id
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
      sum(sign) as session_count, extract(epoch from sum(duration)) * 1000 as duration_ms
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
          duration_ms = s.duration_ms + excluded.duration_ms
  ), facet_spans as (
    insert into chaperone.facet_spans as s (organization_id, facet, first_day, last_day, user_id, session_count, duration_ms)
    select organization, f.*
    from span_sums f
    where facet <> ''
    on conflict (organization_id, facet, first_day, last_day, user_id) do update
      set session_count = s.session_count + excluded.session_count,
          duration_ms = s.duration_ms + excluded.duration_ms
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
    from spans f
    where f.facet <> ''
      and (f.first_at < f.first_at_before or (f.last_at at time zone 'UTC')::date > (f.last_at_before at time zone 'UTC')::date)
      and s.organization_id = organization and s.facet = f.facet and s.user_id = f.user_id
      and s.first_call_at = f.first_at_before and s.session_id = f.session_id
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
end
$$;

-- Takes a person out of the organization's records: contents and feedback go, and what stays names somebody unknown.
-- The id of a user follows from the external id, so whoever knows that could still find the rows: they get another.
create or replace function chaperone.erase_user(erased uuid) returns uuid
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := chaperone.current_organization_id();
  stranger uuid := gen_random_uuid();
  place record;
begin
  perform from chaperone.users u where u.organization_id = organization and u.user_id = erased for update;
  if not found then
    return null;
  end if;
  -- A fold under way still adds to the sums of the user.
  insert into chaperone.fold_turns (organization_id) values (organization) on conflict do nothing;
  perform from chaperone.fold_turns where organization_id = organization for update;
  delete from chaperone.request_contents c
    using chaperone.requests r
    where r.organization_id = organization and r.user_id = erased
      and c.organization_id = organization and c.started_at = r.started_at and c.request_id = r.request_id;
  -- Of a call that goes on, what is known so far becomes its record. Without the input its output is not kept either.
  update chaperone.pending_calls p
    set record = (p.record::jsonb || jsonb_build_object('user_id', stranger, 'user_external_id', null, 'input_sealed', null,
      'session_id', 'erased-' || md5((p.record ->> 'session_id') || stranger)))::json
    where p.organization_id = organization and p.record ->> 'user_id' = erased::text;
  delete from chaperone.analysis_results where organization_id = organization and user_id = erased;
  update chaperone.ratings set feedback = null where organization_id = organization and rated_by = erased;
  update chaperone.rating_history set feedback = null where organization_id = organization and rated_by = erased;
  -- Sessions are named by their clients, so their names go, too.
  update chaperone.requests r set session_id = 'erased-' || md5(r.session_id || stranger)
    where r.organization_id = organization and r.user_id = erased;
  update chaperone.sessions s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_facets s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_usage s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.users set external_id = 'erased-' || stranger, display_name = null, is_active = false, updated_at = now()
    where organization_id = organization and user_id = erased;
  for place in
    select c.oid::regclass as owner, a.attname as name
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname in ('user_id', 'rated_by') and not a.attisdropped
    where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  loop
    execute format('update %s set %I = $1 where organization_id = $2 and %I = $3', place.owner, place.name, place.name)
      using stranger, organization, erased;
  end loop;
  return stranger;
end
$$;
