-- Makes the partitions of the month that contains `at`, and moves records that arrived earlier from the default partition
-- into them. Inserts wait meanwhile. So a month with very many early records stays in the default partition, where every
-- query finds them as well.
create or replace function chaperone.make_request_partitions(at timestamptz) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '2s'
as $$
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
$$;
revoke all on function chaperone.make_request_partitions(timestamptz) from public;
grant execute on function chaperone.make_request_partitions(timestamptz) to chaperone_worker;
