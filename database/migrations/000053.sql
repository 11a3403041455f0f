-- Copied from database/functions by `npm run generate`: edit those.

-- Deletes what no longer counts, of all organizations: a chore of workers. Returns how many rows went.
create or replace function chaperone.delete_past_rows(chore text) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  gone bigint;
begin
  case chore
    when 'analysis results' then
      delete from chaperone.analysis_results r
        using chaperone.organizations o
        where o.organization_id = r.organization_id
          and r.created_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'conversation analyses' then
      delete from chaperone.conversation_analyses a
        using chaperone.organizations o
        where o.organization_id = a.organization_id
          and a.completed_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'answers' then
      with sizes as materialized (
        select c.organization_id, o.spec -> 'cache' is null as is_off
        from chaperone.cached_bytes c
          left join chaperone.organizations o on o.organization_id = c.organization_id
        for update of c skip locked
      ), gone as (
        delete from chaperone.cached_answers a using sizes s
        where a.organization_id = s.organization_id and (s.is_off or a.expires_at <= now())
        returning a.organization_id, a.bytes
      ), corrected as (
        update chaperone.cached_bytes c set bytes = c.bytes - g.bytes
        from (select organization_id, sum(bytes) as bytes from gone group by organization_id) g
        where g.organization_id = c.organization_id
      )
      select count(*) into gone from gone;
      return gone;
    when 'revocations' then
      delete from chaperone.revocations where expires_at < now();
    when 'counters' then
      with past as (
        delete from chaperone.quota_counters c
        where c.window_end < now() - interval '3 days'
          or (c.window_end = 'infinity' and (c.unit = 'concurrent' or c.per = 'Session')
            and not exists (
              select from chaperone.quota_leases l
              where l.organization_id = c.organization_id and l.counter_id = c.counter_id
                -- A session without a call for 90 days.
                and l.expires_at > now() - case when c.unit = 'concurrent' then 1 else 90 end * interval '1 day')
            and chaperone.quota_pending(c.organization_id, c.counter_id) = 0)
        returning organization_id, counter_id
      )
      delete from chaperone.quota_leases l using past p
      where l.organization_id = p.organization_id and l.counter_id = p.counter_id;
      delete from chaperone.quota_leases l
        where l.expires_at < now() - interval '3 days'
          and not exists (
            select from chaperone.quota_counters c
            where c.organization_id = l.organization_id and c.counter_id = l.counter_id);
    when 'warnings' then
      -- Older than every window which the calendar has, but not those of counters that still count.
      delete from chaperone.budget_warnings w
        where warned_at < now() - interval '40 days'
          and not exists (
            select from chaperone.quota_counters c
            where c.organization_id = w.organization_id and c.counter_id = w.counter_id);
    when 'pauses' then
      delete from chaperone.provider_pauses
        where ends_at < now() - case scope when 'model' then interval '1 minute' else interval '1 hour' end;
    when 'deliveries' then
      perform chaperone.prune_webhooks('30 days');
    when 'calls of jobs' then
      -- An attempt looks for the calls of those before it, and a dead letter may be tried again.
      delete from chaperone.job_calls c
        where c.created_at < now() - interval '1 day'
          and not exists (select from graphile_worker._private_jobs j where j.id = c.job_id)
          -- By them, an erasure finds what a model was told for an analysis.
          and not exists (
            select from chaperone.conversation_analyses a
            where a.organization_id = c.organization_id and a.job_id = c.job_id);
    else
      raise exception 'there is no such chore' using errcode = 'invalid_parameter_value';
  end case;
  get diagnostics gone = row_count;
  return gone;
end
$$;
revoke all on function chaperone.delete_past_rows(text) from public;
grant execute on function chaperone.delete_past_rows(text) to chaperone_worker;

-- Adds new records of all organizations to their sums, where their proxies have not: a chore of workers. Returns of how many
-- organizations there were any.
create or replace function chaperone.fold_all_usage() returns integer
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  organization uuid;
  count integer := 0;
begin
  for organization in select distinct u.organization_id from chaperone.unfolded_usage u loop
    perform chaperone.fold_some_usage_of(organization, false, 10);
    count := count + 1;
  end loop;
  return count;
end
$$;
revoke all on function chaperone.fold_all_usage() from public;
grant execute on function chaperone.fold_all_usage() to chaperone_worker;

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
