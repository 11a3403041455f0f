-- Sessions by persona and by model, so that a question about those of one persona or one model finds them by an index, and
-- reads neither all sessions nor all that they used.

-- A fold or an erasure that has begun by the functions as they were would not know of the facets: it ends before this, or
-- does not find its table any more and leaves what it had to the next.
alter table chaperone.usage_folds rename to fold_turns;

-- What `sessions` says of all calls of a session, of those with one facet: with one persona, or with one model, be it the
-- one that answered or the one that was asked for.
create table chaperone.session_facets (
  organization_id uuid not null,
  user_id uuid not null,
  session_id text not null,
  -- `persona:` and its id, or `model:` and its name.
  facet text collate "C" not null,
  first_call_at timestamptz not null,
  last_call_at timestamptz not null,
  first_call_day date not null,
  last_call_day date not null
) with (fillfactor = 80);
insert into chaperone.session_facets
select organization_id, user_id, session_id, facet, first_at, last_at, (first_at at time zone 'UTC')::date,
  (last_at at time zone 'UTC')::date
from (
  select organization_id, user_id, session_id, facet, min(first_request_at) as first_at, max(last_request_at) as last_at
  from chaperone.session_usage,
    unnest(array['persona:' || nullif(persona_id, '00000000-0000-0000-0000-000000000000'), 'model:' || nullif(model, ''),
      'model:' || nullif(requested_model, '')]) facet
  where kind = 'call' and facet is not null
  group by organization_id, user_id, session_id, facet
  order by first_at
) s;
alter table chaperone.session_facets add primary key (organization_id, user_id, session_id, facet);
create index session_facets_first_call_at on chaperone.session_facets (organization_id, facet, first_call_at);
create index session_facets_user on chaperone.session_facets (organization_id, facet, user_id, first_call_at);
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
select organization_id, facet, first_call_day, last_call_day, user_id, count(*),
  sum((extract(epoch from last_call_at) - extract(epoch from first_call_at)) * 1000)
from chaperone.session_facets
group by organization_id, facet, first_call_day, last_call_day, user_id;
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
  ), day_sums as materialized (
    select case grouping(user_id, persona_id) when 0 then 'both' when 1 then 'user' else 'persona' end as grain, day, kind,
      coalesce(user_id, nobody) as user_id, coalesce(persona_id, nobody) as persona_id, model, requested_model,
      count(*) filter (where status = 'completed') as completed_count,
      count(*) filter (where status = 'failed') as failed_count,
      count(*) filter (where status = 'cancelled') as cancelled_count,
      count(*) filter (where status = 'interrupted') as interrupted_count,
      count(*) filter (where is_unpriced) as unpriced_count, coalesce(sum(input_tokens), 0) as input_tokens,
      coalesce(sum(output_tokens), 0) as output_tokens, coalesce(sum(total_tokens), 0) as total_tokens,
      coalesce(sum(cost_usd), 0) as cost_usd, coalesce(sum(duration_ms), 0) as duration_ms,
      count(duration_ms) as duration_count, max(started_at) as last_request_at
    from fact
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
  ), part_sums as materialized (
    select user_id, session_id, kind, day, persona_id, model, requested_model, count(*) as request_count,
      count(*) filter (where is_unpriced) as unpriced_count, coalesce(sum(total_tokens), 0) as total_tokens,
      coalesce(sum(cost_usd), 0) as cost_usd, min(started_at) as first_request_at, max(started_at) as last_request_at
    from fact
    group by user_id, session_id, kind, day, persona_id, model, requested_model
  ), parts as (
    insert into chaperone.session_usage as u (organization_id, user_id, session_id, kind, day, persona_id, model,
      requested_model, request_count, unpriced_count, total_tokens, cost_usd, first_request_at, last_request_at)
    select organization, s.*
    from part_sums s
    on conflict (organization_id, user_id, session_id, kind, day, persona_id, model, requested_model) do update
      set request_count = u.request_count + excluded.request_count,
          unpriced_count = u.unpriced_count + excluded.unpriced_count,
          total_tokens = u.total_tokens + excluded.total_tokens,
          cost_usd = u.cost_usd + excluded.cost_usd,
          first_request_at = least(u.first_request_at, excluded.first_request_at),
          last_request_at = greatest(u.last_request_at, excluded.last_request_at)
  ), touched as materialized (
    select f.user_id, f.session_id, f.started_at, f.last_request_at,
      least(s.first_call_at, f.first_call_at) as first_call_at, greatest(s.last_call_at, f.last_call_at) as last_call_at,
      s.first_call_at as first_call_at_before, s.last_call_at as last_call_at_before
    from (
      select user_id, session_id, min(first_request_at) as started_at, max(last_request_at) as last_request_at,
        min(first_request_at) filter (where kind = 'call') as first_call_at,
        max(last_request_at) filter (where kind = 'call') as last_call_at
      from part_sums
      group by user_id, session_id
    ) f
      left join chaperone.sessions s
        on s.organization_id = organization and s.user_id = f.user_id and s.session_id = f.session_id
  ), spans as (
    insert into chaperone.session_spans as s (organization_id, first_day, last_day, user_id, session_count, duration_ms)
    select organization, (first_at at time zone 'UTC')::date, (last_at at time zone 'UTC')::date, user_id, sum(sign),
      sum(sign * (extract(epoch from last_at) - extract(epoch from first_at)) * 1000)
    from (
      select 1 as sign, user_id, first_call_at as first_at, last_call_at as last_at from touched
      union all
      select -1, user_id, first_call_at_before, last_call_at_before from touched
    ) t
    where first_at is not null
    group by 2, 3, 4
    on conflict (organization_id, first_day, last_day, user_id) do update
      set session_count = s.session_count + excluded.session_count,
          duration_ms = s.duration_ms + excluded.duration_ms
  ), touched_facets as materialized (
    select f.user_id, f.session_id, f.facet,
      least(s.first_call_at, f.first_call_at) as first_call_at, greatest(s.last_call_at, f.last_call_at) as last_call_at,
      s.first_call_at as first_call_at_before, s.last_call_at as last_call_at_before
    from (
      select user_id, session_id, facet, min(first_request_at) as first_call_at, max(last_request_at) as last_call_at
      from part_sums, unnest(array['persona:' || nullif(persona_id, nobody), 'model:' || nullif(model, ''),
        'model:' || nullif(requested_model, '')]) facet
      where kind = 'call' and facet is not null
      group by user_id, session_id, facet
    ) f
      left join chaperone.session_facets s
        on s.organization_id = organization and s.user_id = f.user_id and s.session_id = f.session_id and s.facet = f.facet
  ), facet_spans as (
    insert into chaperone.facet_spans as s (organization_id, facet, first_day, last_day, user_id, session_count, duration_ms)
    select organization, facet, (first_at at time zone 'UTC')::date, (last_at at time zone 'UTC')::date, user_id, sum(sign),
      sum(sign * (extract(epoch from last_at) - extract(epoch from first_at)) * 1000)
    from (
      select 1 as sign, facet, user_id, first_call_at as first_at, last_call_at as last_at from touched_facets
      union all
      select -1, facet, user_id, first_call_at_before, last_call_at_before from touched_facets
    ) t
    where first_at is not null
    group by 2, 3, 4, 5
    on conflict (organization_id, facet, first_day, last_day, user_id) do update
      set session_count = s.session_count + excluded.session_count,
          duration_ms = s.duration_ms + excluded.duration_ms
  ), facets as (
    insert into chaperone.session_facets as s (organization_id, user_id, session_id, facet, first_call_at, last_call_at,
      first_call_day, last_call_day)
    select organization, user_id, session_id, facet, first_call_at, last_call_at,
      (first_call_at at time zone 'UTC')::date, (last_call_at at time zone 'UTC')::date
    from touched_facets
    on conflict (organization_id, user_id, session_id, facet) do update
      set first_call_at = excluded.first_call_at, last_call_at = excluded.last_call_at,
          first_call_day = excluded.first_call_day, last_call_day = excluded.last_call_day
  )
  insert into chaperone.sessions as s (organization_id, user_id, session_id, started_at, last_request_at, first_call_at,
    last_call_at, first_call_day, last_call_day)
  select organization, user_id, session_id, started_at, last_request_at, first_call_at, last_call_at,
    (first_call_at at time zone 'UTC')::date, (last_call_at at time zone 'UTC')::date
  from touched
  on conflict (organization_id, user_id, session_id) do update
    set started_at = least(s.started_at, excluded.started_at),
        last_request_at = greatest(s.last_request_at, excluded.last_request_at),
        first_call_at = excluded.first_call_at, last_call_at = excluded.last_call_at,
        first_call_day = excluded.first_call_day, last_call_day = excluded.last_call_day;

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
