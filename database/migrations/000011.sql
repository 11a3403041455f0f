-- Sums by week (UTC, from Monday on) beside those by day, so that a question about a quarter reads a dozen rows in place of
-- ninety. Both are made of the same records in one statement.

-- A fold that has begun by the function as it was would not know of the weeks: it ends before this, or does not find its
-- table any more and leaves what it had to the next.
alter table chaperone.usage_pending rename to unfolded_usage;
do $$
begin
  execute replace(pg_get_functiondef('chaperone.note_usage()'::regprocedure), 'usage_pending', 'unfolded_usage');
end
$$;

create table chaperone.weekly_usage (
  organization_id uuid not null,
  grain text not null,
  -- Its Monday.
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
  last_request_at timestamptz not null,
  primary key (organization_id, grain, week, kind, user_id, persona_id, model, requested_model)
) partition by list (grain);
create index weekly_usage_by_user on chaperone.weekly_usage (organization_id, grain, user_id, week);
create index weekly_usage_by_persona on chaperone.weekly_usage (organization_id, grain, persona_id, week);
alter table chaperone.weekly_usage enable row level security;
create policy tenant on chaperone.weekly_usage to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.weekly_usage to chaperone_tenant;
create table chaperone.weekly_usage_user partition of chaperone.weekly_usage for values in ('user') with (fillfactor = 70);
alter table chaperone.weekly_usage_user enable row level security;
create table chaperone.weekly_usage_persona partition of chaperone.weekly_usage for values in ('persona') with (fillfactor = 70);
alter table chaperone.weekly_usage_persona enable row level security;
create table chaperone.weekly_usage_both partition of chaperone.weekly_usage for values in ('both') with (fillfactor = 70);
alter table chaperone.weekly_usage_both enable row level security;

insert into chaperone.weekly_usage
select organization_id, grain, date_trunc('week', day::timestamp)::date, kind, user_id, persona_id, model, requested_model,
  sum(completed_count), sum(failed_count),
  sum(cancelled_count), sum(interrupted_count), sum(unpriced_count), sum(input_tokens), sum(output_tokens),
  sum(total_tokens), sum(cost_usd), sum(duration_ms), sum(duration_count), max(last_request_at)
from chaperone.daily_usage
group by 1, 2, 3, kind, user_id, persona_id, model, requested_model;

-- What the calls of ratings are filtered by, so that a question about a persona's ratings looks no calls up. All null where
-- the call was not there yet when it was rated: then the fold of the call tells.
alter table chaperone.ratings
  add column call_kind text,
  add column persona_id uuid,
  add column model text,
  add column requested_model text;
grant update (call_kind, persona_id, model, requested_model) on chaperone.ratings to chaperone_tenant;
update chaperone.ratings r
set call_kind = q.kind, persona_id = q.persona_id, model = q.model, requested_model = q.requested_model
from chaperone.requests q
where q.organization_id = r.organization_id and q.request_id = r.request_id;
create index ratings_without_call on chaperone.ratings (organization_id) where call_kind is null;

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
  insert into chaperone.usage_folds (organization_id) values (organization) on conflict do nothing;
  if wait then
    perform from chaperone.usage_folds where organization_id = organization for update;
  else
    perform from chaperone.usage_folds where organization_id = organization for update skip locked;
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
  ), parts as (
    insert into chaperone.session_usage as u (organization_id, user_id, session_id, kind, day, persona_id, model,
      requested_model, request_count, unpriced_count, total_tokens, cost_usd, first_request_at, last_request_at)
    select organization, user_id, session_id, kind, day, persona_id, model, requested_model, count(*),
      count(*) filter (where is_unpriced), coalesce(sum(total_tokens), 0), coalesce(sum(cost_usd), 0), min(started_at),
      max(started_at)
    from fact
    group by user_id, session_id, kind, day, persona_id, model, requested_model
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
      select user_id, session_id, min(started_at) as started_at, max(started_at) as last_request_at,
        min(started_at) filter (where kind = 'call') as first_call_at,
        max(started_at) filter (where kind = 'call') as last_call_at
      from fact
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

-- Most calls have none; without this the index would list each of them.
drop index chaperone.requests_kept_ids;
create index requests_kept_ids on chaperone.requests using gin (kept_ids) where kept_ids is not null;
