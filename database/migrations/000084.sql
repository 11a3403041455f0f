-- How many ratings were given on each day, and how many of them are positive. A key without a value is nobody, or empty.
create table chaperone.ratings_by_day (
  organization_id uuid not null,
  day date not null,
  call_kind text not null,
  persona_id uuid not null,
  -- The model that answered, else the one that was asked for.
  model text not null,
  requested_model text not null,
  rated_count bigint not null,
  positive_count bigint not null,
  primary key (organization_id, day, call_kind, persona_id, model, requested_model)
);
alter table chaperone.ratings_by_day enable row level security;
create policy tenant on chaperone.ratings_by_day to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.ratings_by_day to chaperone_tenant;

create function chaperone.count_ratings() returns trigger language plpgsql as 'begin return null; end';
-- From here on nobody rates, until what was rated before is counted.
create trigger count_ratings_made after insert on chaperone.ratings
  referencing new table as made for each statement execute function chaperone.count_ratings();
create trigger count_ratings_changed after update on chaperone.ratings
  referencing old table as former new table as made for each statement execute function chaperone.count_ratings();
create trigger count_ratings_gone after delete on chaperone.ratings
  referencing old table as former for each statement execute function chaperone.count_ratings();
insert into chaperone.ratings_by_day
select organization_id, (rated_at at time zone 'UTC')::date, coalesce(call_kind, 'call'),
  coalesce(persona_id, '00000000-0000-0000-0000-000000000000'), coalesce(model, requested_model, ''),
  coalesce(requested_model, ''), count(*), count(*) filter (where rating = 1)
from chaperone.ratings
group by 1, 2, 3, 4, 5, 6;

-- Copied from database/functions by `npm run generate`: edit those.

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
