-- Without statistics, this index looked as good as the key for finding one session, and a fold read all sessions of a user
-- for each. A look-up that does not ask for calls cannot take it any more.
drop index chaperone.sessions_user;
create index sessions_user on chaperone.sessions (organization_id, user_id, first_call_at) where first_call_at is not null;

-- Copied from database/functions by `npm run generate`: edit those.

-- Adds records of one organization that were noted as new to its sums: those of `most` notes, or all where `most` is null.
-- Where another session is doing the same, it waits for it or (`wait` is false) leaves the work to it. No record stops it:
-- a figure outside its bounds counts as unknown, a record outside its bounds is left out, and a sum stops at the highest
-- value of its column. Returns whether there are more.
create or replace function chaperone.fold_some_usage_of(organization uuid, wait boolean, most integer) returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set work_mem = '32MB'
as $$
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
$$;
revoke all on function chaperone.fold_some_usage_of(uuid, boolean, integer) from public;
