-- Analytics: usage is added up while records arrive, so that no question about weeks reads every call of them.
--
-- An insert into requests notes, in its own transaction, which rows it really made (a repeated record makes none). What is
-- noted is folded into the sums a little later, many inserts at a time, and always before somebody reads them: so they
-- equal the rows, in whatever order and however often records come. An organization's folds are made one at a time, which
-- spares its proxies from waiting for each other at the rows of today.

create table chaperone.usage_pending (
  organization_id uuid not null,
  pending_id uuid not null default gen_random_uuid(),
  started_at timestamptz[] storage external not null,
  request_id text[] storage external not null,
  primary key (organization_id, pending_id)
);
alter table chaperone.usage_pending enable row level security;

-- The row that whoever folds an organization's usage holds. Tenants have no right to it, so none can hold it longer.
create table chaperone.usage_folds (
  organization_id uuid primary key
);
alter table chaperone.usage_folds enable row level security;

-- Sums by day (UTC). Each row of requests is in one row of every grain, which tells apart:
--   user     user and model
--   persona  persona and model
--   both     user, persona and model
-- What a grain does not tell apart is the nil UUID in its rows.
create table chaperone.daily_usage (
  organization_id uuid not null,
  grain text not null,
  day date not null,
  kind text not null,
  user_id uuid not null,
  -- The nil UUID for calls without a persona.
  persona_id uuid not null,
  -- The model that answered, else the one asked for; empty where neither is known.
  model text not null,
  requested_model text not null,
  completed_count integer not null,
  failed_count integer not null,
  cancelled_count integer not null,
  interrupted_count integer not null,
  -- Calls that were answered and have no price. Their cost is not in cost_usd.
  unpriced_count integer not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  total_tokens bigint not null,
  cost_usd numeric not null,
  -- The sum of the durations that are known, and of how many calls.
  duration_ms bigint not null,
  duration_count integer not null,
  last_request_at timestamptz not null,
  primary key (organization_id, grain, day, kind, user_id, persona_id, model, requested_model)
) partition by list (grain);
create index daily_usage_by_user on chaperone.daily_usage (organization_id, grain, user_id, day);
create index daily_usage_by_persona on chaperone.daily_usage (organization_id, grain, persona_id, day);
alter table chaperone.daily_usage enable row level security;
create policy tenant on chaperone.daily_usage to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.daily_usage to chaperone_tenant;
-- Today's rows are updated again and again: with room in the page, no index has to learn of it.
create table chaperone.daily_usage_user partition of chaperone.daily_usage for values in ('user') with (fillfactor = 70);
alter table chaperone.daily_usage_user enable row level security;
create table chaperone.daily_usage_persona partition of chaperone.daily_usage for values in ('persona') with (fillfactor = 70);
alter table chaperone.daily_usage_persona enable row level security;
create table chaperone.daily_usage_both partition of chaperone.daily_usage for values in ('both') with (fillfactor = 70);
alter table chaperone.daily_usage_both enable row level security;

-- What each session used, by day and by what analytics are filtered by.
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
  first_request_at timestamptz not null,
  last_request_at timestamptz not null,
  primary key (organization_id, user_id, session_id, kind, day, persona_id, model, requested_model)
) with (fillfactor = 80);
create index session_usage_day on chaperone.session_usage (organization_id, kind, day);
alter table chaperone.session_usage enable row level security;
create policy tenant on chaperone.session_usage to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.session_usage to chaperone_tenant;

-- The calls of a session alone, without analyses; null where it has none.
alter table chaperone.sessions
  add column first_call_at timestamptz,
  add column last_call_at timestamptz,
  add column first_call_day date,
  add column last_call_day date;
create index sessions_first_call_at on chaperone.sessions (organization_id, first_call_at);
create index sessions_user on chaperone.sessions (organization_id, user_id, first_call_at);
-- Those that a period's edge may cut. (By days and not by times: a row that goes on the same day is not indexed anew.)
create index sessions_over_days on chaperone.sessions (organization_id, last_call_day, first_call_day)
  where first_call_day < last_call_day;

-- How many sessions there are and how long they took together, by the days of their first and their last call.
create table chaperone.session_spans (
  organization_id uuid not null,
  first_day date not null,
  last_day date not null,
  user_id uuid not null,
  session_count integer not null,
  duration_ms bigint not null,
  primary key (organization_id, first_day, last_day, user_id)
) with (fillfactor = 70);
alter table chaperone.session_spans enable row level security;
create policy tenant on chaperone.session_spans to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.session_spans to chaperone_tenant;

create function chaperone.note_usage() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into chaperone.usage_pending (organization_id, started_at, request_id)
  select organization_id, array_agg(started_at), array_agg(request_id)
  from made
  group by organization_id;
  return null;
end
$$;
revoke all on function chaperone.note_usage() from public;
create trigger note_usage after insert on chaperone.requests
  referencing new table as made
  for each statement execute function chaperone.note_usage();

-- Adds what is pending of one organization to its sums. Where another session is at it: waits for it, or leaves it to it.
create function chaperone.fold_usage_of(organization uuid, wait boolean) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
begin
  -- What a fold under way has taken is still to be seen until it ends, so nothing is missed here.
  if not exists (select from chaperone.usage_pending where organization_id = organization) then
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
    delete from chaperone.usage_pending where organization_id = organization returning started_at, request_id
  ), fact as materialized (
    select r.user_id, r.session_id, r.kind, (r.started_at at time zone 'UTC')::date as day,
      coalesce(r.persona_id, nobody) as persona_id, coalesce(r.model, r.requested_model, '') as model,
      coalesce(r.requested_model, '') as requested_model, r.status,
      r.cost_usd is null and (r.status = 'completed' or r.total_tokens is not null) as is_unpriced,
      r.input_tokens, r.output_tokens, r.total_tokens, r.cost_usd, r.duration_ms, r.started_at
    from taken, unnest(taken.started_at, taken.request_id) as p (started_at, request_id)
      join chaperone.requests r
        on r.organization_id = organization and r.started_at = p.started_at and r.request_id = p.request_id
  ), days as (
    insert into chaperone.daily_usage as u (organization_id, grain, day, kind, user_id, persona_id, model, requested_model,
      completed_count, failed_count, cancelled_count, interrupted_count, unpriced_count, input_tokens, output_tokens,
      total_tokens, cost_usd, duration_ms, duration_count, last_request_at)
    select organization, case grouping(user_id, persona_id) when 0 then 'both' when 1 then 'user' else 'persona' end, day,
      kind, coalesce(user_id, nobody), coalesce(persona_id, nobody), model, requested_model,
      count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed'),
      count(*) filter (where status = 'cancelled'), count(*) filter (where status = 'interrupted'),
      count(*) filter (where is_unpriced), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
      coalesce(sum(total_tokens), 0), coalesce(sum(cost_usd), 0), coalesce(sum(duration_ms), 0), count(duration_ms),
      max(started_at)
    from fact
    group by day, kind, model, requested_model, grouping sets ((user_id, persona_id), (user_id), (persona_id))
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
end
$$;
revoke all on function chaperone.fold_usage_of(uuid, boolean) from public;

-- The same for whoever is connected, and of its own organization alone.
create function chaperone.fold_usage(wait boolean) returns void
  language sql security definer
  set search_path = pg_catalog, pg_temp
as $$
  select chaperone.fold_usage_of(chaperone.current_organization_id(), wait)
$$;
revoke all on function chaperone.fold_usage(boolean) from public;
grant execute on function chaperone.fold_usage(boolean) to chaperone_tenant;

-- The calls that are there already.
insert into chaperone.usage_pending (organization_id, started_at, request_id)
select organization_id, array_agg(started_at), array_agg(request_id)
from chaperone.requests
group by organization_id, (started_at at time zone 'UTC')::date;
select chaperone.fold_usage_of(organization_id, true)
from (select distinct organization_id from chaperone.usage_pending) o;

-- Whose call was rated, so that a user's ratings are found without looking at the calls.
alter table chaperone.ratings add column user_id uuid;
grant update (user_id) on chaperone.ratings to chaperone_tenant;
create index ratings_user on chaperone.ratings (organization_id, user_id, rated_at);
update chaperone.ratings r
set user_id = q.user_id
from chaperone.requests q
where q.organization_id = r.organization_id and q.request_id = r.request_id;
