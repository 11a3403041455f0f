-- A call's contents are some kilobytes: kept in the row itself, they cost half as much to insert as in pieces beside it.
create or replace function chaperone.ensure_request_partitions(at timestamptz) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  month_start timestamptz := date_trunc('month', at, 'UTC');
  month_end timestamptz := month_start + interval '1 month';
  suffix text := to_char(at at time zone 'UTC', 'YYYY_MM');
  parent text;
  fresh text;
begin
  if at < now() - interval '2 years' or at > now() + interval '3 months' then
    return;
  end if;
  foreach parent in array array['requests', 'request_contents'] loop
    fresh := format('chaperone.%I', parent || '_' || suffix);
    continue when to_regclass(fresh) is not null;
    -- One at a time, and no tenant can take this lock to hold the others up, as it could an advisory one.
    execute format('lock table chaperone.%I in access exclusive mode', parent || '_default');
    continue when to_regclass(fresh) is not null;
    execute format('create table %s (like chaperone.%I including defaults including constraints)', fresh, parent);
    execute format('alter table %s enable row level security', fresh);
    if parent = 'request_contents' then
      execute format('alter table %s set (toast_tuple_target = 8160)', fresh);
    end if;
    -- The default partition took them before their month was sensible; with them in it the month could not be attached.
    execute format('with moved as (delete from chaperone.%I where started_at >= $1 and started_at < $2 returning *)
      insert into %s select * from moved', parent || '_default', fresh) using month_start, month_end;
    execute format('alter table chaperone.%I attach partition %s for values from (%L) to (%L)',
      parent, fresh, month_start, month_end);
  end loop;
end
$$;

do $$
declare
  place regclass;
begin
  for place in select inhrelid from pg_inherits where inhparent = 'chaperone.request_contents'::regclass loop
    execute format('alter table %s set (toast_tuple_target = 8160)', place);
  end loop;
end
$$;

-- A plan that was made while the tables were small reads all sessions of a user for each of them once they are large.
alter function chaperone.fold_usage_of(uuid, boolean) set plan_cache_mode = force_custom_plan;
