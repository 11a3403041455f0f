-- No figure cancels another or stops the sums: a record of a negative cost lowered what an organization had spent, and two of
-- 2^63-1 tokens kept every later record out of the sums.

-- What a record may say. The same bounds are in database/figures.ts, by which a proxy takes out what cannot be.
create function chaperone.figure_bounds() returns table (name text, most bigint)
  language sql immutable
  set search_path = pg_catalog, pg_temp
as $$
  select name, most
  from (values
    -- A batch of 50,000 calls with all that a model takes has a tenth of this.
    (array['input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'total_tokens',
      'input_audio_tokens', 'input_image_tokens', 'output_audio_tokens', 'output_image_tokens', 'characters'], 1000000000000),
    (array['cost_usd'], 10000000),
    -- Two weeks.
    (array['duration_ms', 'time_to_first_token_ms'], 1209600000),
    (array['images'], 1000000),
    (array['audio_seconds'], 100000000)
  ) bounds (names, most), unnest(names) as name
$$;
revoke all on function chaperone.figure_bounds() from public;

-- Records that are there may break these: they are checked later, without a lock that anybody would wait for. NaN is greater
-- than every number.
do $$
declare
  figures text := (select string_agg(format('%1$I >= 0 and %1$I <= %2$s', name, most), ' and ') from chaperone.figure_bounds());
  -- As long as a proxy writes them: what is longer does not fit into the keys of the sums.
  texts constant text := 'length(request_id) <= 64 and length(session_id) <= 128 and length(turn_id) <= 128
    and length(operation) <= 64 and length(provider) <= 253 and length(namespace) <= 253 and length(workload) <= 253
    and length(requested_model) <= 200 and length(model) <= 200 and length(error_code) <= 200
    and length(response_id) <= 200 and length(previous_response_id) <= 200 and length(image_size) <= 32
    and length(image_quality) <= 32';
begin
  execute format('alter table chaperone.requests add constraint requests_figures_check check (%s) not valid', figures);
  execute format('alter table chaperone.requests add constraint requests_texts_check check (%s) not valid', texts);
  alter table chaperone.requests add constraint requests_started_at_check
    check (started_at >= '1970-01-01 00:00:00+00' and started_at < '10000-01-01 00:00:00+00') not valid;
  alter table chaperone.rating_history add constraint rating_history_rating_check check (rating in (-1, 1)) not valid;
  if not exists (select from chaperone.requests) then
    alter table chaperone.requests validate constraint requests_figures_check;
    alter table chaperone.requests validate constraint requests_texts_check;
    alter table chaperone.requests validate constraint requests_started_at_check;
  end if;
  if not exists (select from chaperone.rating_history) then
    alter table chaperone.rating_history validate constraint rating_history_rating_check;
  end if;
end
$$;

-- Folds write sessions, as the owner; no proxy has done so since they came. A tenant's own rows could stop every fold.
revoke insert, update on chaperone.sessions from chaperone_tenant;

-- Adds noted records of one organization to its sums, of so many inserts; all of them where `most` is null. Where another
-- session is at it: waits for it, or leaves it to it. No record stops it: a figure beyond its bounds counts as unknown, a
-- record beyond them is left out, and a sum stops at what its column holds. @returns whether there are more
create function chaperone.fold_some_usage_of(organization uuid, wait boolean, most integer) returns boolean
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
      and pending_id in (select pending_id from chaperone.unfolded_usage where organization_id = organization limit most)
    returning started_at, request_id
  ), fact as materialized (
    select r.user_id, r.session_id, r.kind, (r.started_at at time zone 'UTC')::date as day,
      coalesce(r.persona_id, nobody) as persona_id, left(coalesce(r.model, r.requested_model, ''), 200) as model,
      left(coalesce(r.requested_model, ''), 200) as requested_model, r.status,
      p.cost_usd is null and (r.status = 'completed' or r.total_tokens is not null) as is_unpriced,
      p.input_tokens, p.output_tokens, p.total_tokens, p.cost_usd, p.duration_ms, r.started_at
    from taken, unnest(taken.started_at, taken.request_id) as t (started_at, request_id)
      join chaperone.requests r
        on r.organization_id = organization and r.started_at = t.started_at and r.request_id = t.request_id,
      -- Of records from before there were constraints.
      lateral (
        select case when r.input_tokens between 0 and 1000000000000 then r.input_tokens end as input_tokens,
          case when r.output_tokens between 0 and 1000000000000 then r.output_tokens end as output_tokens,
          case when r.total_tokens between 0 and 1000000000000 then r.total_tokens end as total_tokens,
          case when r.cost_usd between 0 and 10000000 then r.cost_usd end as cost_usd,
          case when r.duration_ms between 0 and 1209600000 then r.duration_ms end as duration_ms
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
      max(started_at) as last_request_at
    from fact
    group by user_id, session_id, kind, day, persona_id, model, requested_model
  ), day_sums as materialized (
    select case grouping(user_id, persona_id) when 0 then 'both' when 1 then 'user' else 'persona' end as grain, day, kind,
      coalesce(user_id, nobody) as user_id, coalesce(persona_id, nobody) as persona_id, model, requested_model,
      sum(completed_count) as completed_count, sum(failed_count) as failed_count, sum(cancelled_count) as cancelled_count,
      sum(interrupted_count) as interrupted_count, sum(unpriced_count) as unpriced_count, least(sum(input_tokens), highest) as input_tokens,
      least(sum(output_tokens), highest) as output_tokens, least(sum(total_tokens), highest) as total_tokens, sum(cost_usd) as cost_usd,
      least(sum(duration_ms), highest) as duration_ms, sum(duration_count) as duration_count, max(last_request_at) as last_request_at
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
          input_tokens = least(u.input_tokens::numeric + excluded.input_tokens, highest),
          output_tokens = least(u.output_tokens::numeric + excluded.output_tokens, highest),
          total_tokens = least(u.total_tokens::numeric + excluded.total_tokens, highest),
          cost_usd = u.cost_usd + excluded.cost_usd,
          duration_ms = least(u.duration_ms::numeric + excluded.duration_ms, highest),
          duration_count = u.duration_count + excluded.duration_count,
          last_request_at = greatest(u.last_request_at, excluded.last_request_at)
  ), weeks as (
    insert into chaperone.weekly_usage as u (organization_id, grain, week, kind, user_id, persona_id, model, requested_model,
      completed_count, failed_count, cancelled_count, interrupted_count, unpriced_count, input_tokens, output_tokens,
      total_tokens, cost_usd, duration_ms, duration_count, last_request_at)
    select organization, grain, date_trunc('week', day::timestamp)::date, kind, user_id, persona_id, model,
      requested_model, sum(completed_count), sum(failed_count),
      sum(cancelled_count), sum(interrupted_count), sum(unpriced_count), least(sum(input_tokens), highest), least(sum(output_tokens), highest),
      least(sum(total_tokens), highest), sum(cost_usd), least(sum(duration_ms), highest), sum(duration_count), max(last_request_at)
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
          total_tokens = least(u.total_tokens::numeric + excluded.total_tokens, highest),
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
  return exists (select from chaperone.unfolded_usage where organization_id = organization);
end
$$;
revoke all on function chaperone.fold_some_usage_of(uuid, boolean, integer) from public;

create or replace function chaperone.fold_usage_of(organization uuid, wait boolean) returns void
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  select chaperone.fold_some_usage_of(organization, wait, null)
$$;

-- In steps that fit into what a statement may take, however much has gathered. @returns whether there are more
create function chaperone.fold_some_usage(wait boolean) returns boolean
  language sql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
  select chaperone.fold_some_usage_of(chaperone.current_organization_id(), wait, 50)
$$;
revoke all on function chaperone.fold_some_usage(boolean) from public;
grant execute on function chaperone.fold_some_usage(boolean) to chaperone_tenant;


-- Takes the figures out of one partition's records that break their bounds, with the cost of each such record, and puts the
-- sums of those days right. @returns how many records of which organizations
create function chaperone.neutralise_figures(part regclass) returns table (organization_id uuid, records bigint)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
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
$$;
revoke all on function chaperone.neutralise_figures(regclass) from public;

-- Adds up anew what the records of some days used. Whoever calls it has the organization's turn to fold.
create function chaperone.sum_usage_again(organization uuid, days date[]) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  highest constant numeric := 9000000000000000000;
begin
  update chaperone.daily_usage u
  set unpriced_count = f.unpriced_count, input_tokens = f.input_tokens, output_tokens = f.output_tokens,
      total_tokens = f.total_tokens, cost_usd = f.cost_usd, duration_ms = f.duration_ms, duration_count = f.duration_count
  from (
    select case grouping(r.user_id, r.persona_id) when 0 then 'both' when 1 then 'user' else 'persona' end as grain, r.day,
      r.kind, coalesce(r.user_id, nobody) as user_id, coalesce(r.persona_id, nobody) as persona_id, r.model,
      r.requested_model, count(*) filter (where r.is_unpriced) as unpriced_count,
      least(coalesce(sum(r.input_tokens), 0), highest) as input_tokens,
      least(coalesce(sum(r.output_tokens), 0), highest) as output_tokens,
      least(coalesce(sum(r.total_tokens), 0), highest) as total_tokens, coalesce(sum(r.cost_usd), 0) as cost_usd,
      coalesce(sum(r.duration_ms), 0) as duration_ms, count(r.duration_ms) as duration_count
    from chaperone.folded_records(organization, days) r
    group by r.day, r.kind, r.model, r.requested_model, grouping sets ((r.user_id, r.persona_id), (r.user_id), (r.persona_id))
  ) f
  where u.organization_id = organization and u.grain = f.grain and u.day = f.day and u.kind = f.kind
    and u.user_id = f.user_id and u.persona_id = f.persona_id and u.model = f.model
    and u.requested_model = f.requested_model;

  update chaperone.weekly_usage u
  set unpriced_count = f.unpriced_count, input_tokens = f.input_tokens, output_tokens = f.output_tokens,
      total_tokens = f.total_tokens, cost_usd = f.cost_usd, duration_ms = f.duration_ms, duration_count = f.duration_count
  from (
    select d.grain, date_trunc('week', d.day::timestamp)::date as week, d.kind, d.user_id, d.persona_id, d.model,
      d.requested_model, sum(d.unpriced_count) as unpriced_count, least(sum(d.input_tokens), highest) as input_tokens,
      least(sum(d.output_tokens), highest) as output_tokens, least(sum(d.total_tokens), highest) as total_tokens,
      sum(d.cost_usd) as cost_usd, least(sum(d.duration_ms), highest) as duration_ms,
      sum(d.duration_count) as duration_count
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
$$;
revoke all on function chaperone.sum_usage_again(uuid, date[]) from public;

-- The records of some days that are in the sums, by what the sums tell apart.
create function chaperone.folded_records(organization uuid, days date[])
  returns table (user_id uuid, session_id text, kind text, day date, persona_id uuid, model text, requested_model text,
    is_unpriced boolean, input_tokens bigint, output_tokens bigint, total_tokens bigint, cost_usd numeric, duration_ms integer)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
  select r.user_id, r.session_id, r.kind, (r.started_at at time zone 'UTC')::date,
    coalesce(r.persona_id, '00000000-0000-0000-0000-000000000000'), left(coalesce(r.model, r.requested_model, ''), 200),
    left(coalesce(r.requested_model, ''), 200),
    r.cost_usd is null and (r.status = 'completed' or r.total_tokens is not null),
    r.input_tokens, r.output_tokens, r.total_tokens, r.cost_usd, r.duration_ms
  from unnest(days) d
    join chaperone.requests r
      on r.organization_id = organization and r.started_at >= d::timestamptz and r.started_at < (d + 1)::timestamptz
  where isfinite(d)
    and not exists (
      select from chaperone.unfolded_usage f where f.organization_id = organization and r.request_id = any (f.request_id))
$$;
revoke all on function chaperone.folded_records(uuid, date[]) from public;

-- Holds a table's rows against a constraint. Nobody waits for it but who changes the table.
create function chaperone.validate_constraint(part regclass, constraint_name name) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '10s'
as $$
begin
  execute format('alter table %s validate constraint %I', part, constraint_name);
end
$$;
revoke all on function chaperone.validate_constraint(regclass, name) from public;
