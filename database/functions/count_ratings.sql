-- Keeps `ratings_by_day` equal to the ratings: takes away what each deleted or former rating of a statement counted, and adds
-- what each new one counts.
create or replace function chaperone.count_ratings() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
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
$$;
revoke all on function chaperone.count_ratings() from public;
