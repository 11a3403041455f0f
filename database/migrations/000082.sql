-- Copied from database/functions by `npm run generate`: edit those.

-- Lists background jobs of the session's own organization that are not done, the oldest first, with how many there are in
-- all. A tenant sees nothing else of the jobs' tables.
create or replace function chaperone.list_jobs(wanted_state text, most integer, skipped integer)
  returns table (job_id bigint, task text, subject text, state text, attempts integer, max_attempts integer,
    due_at timestamptz, added_at timestamptz, last_error text, total bigint)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
#variable_conflict use_column
begin
  return query
  with own as (
    select j.id, t.identifier, j.payload ->> 'id' as subject, j.attempts, j.max_attempts, j.run_at, j.created_at, j.last_error,
      case when j.locked_at is not null then 'running' when j.attempts < j.max_attempts then 'waiting' else 'dead' end as state
    from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
    where j.payload ->> 'organization' = chaperone.current_organization_id()::text
  )
  select o.id, regexp_replace(o.identifier, '^organization:', ''), o.subject, o.state, o.attempts::integer,
    o.max_attempts::integer, o.run_at, o.created_at, o.last_error, count(*) over ()
  from own o
  where wanted_state is null or o.state = wanted_state
  order by o.id
  limit most offset skipped;
end
$$;
revoke all on function chaperone.list_jobs(text, integer, integer) from public;
grant execute on function chaperone.list_jobs(text, integer, integer) to chaperone_tenant;

-- Gives a job of the session's own organization that has no attempt left all of its attempts again. Returns its task; null
-- where there is no such job.
create or replace function chaperone.retry_job(job bigint) returns text
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  retried text;
begin
  update graphile_worker._private_jobs j
    set attempts = 0, run_at = now(), flags = j.flags - 'told', last_error = null, max_attempts = greatest(j.max_attempts, 10)
    from graphile_worker._private_tasks t
    where j.id = job and t.id = j.task_id and j.attempts >= j.max_attempts and j.locked_at is null
      and j.payload ->> 'organization' = chaperone.current_organization_id()::text
    returning regexp_replace(t.identifier, '^organization:', '') into retried;
  return retried;
end
$$;
revoke all on function chaperone.retry_job(bigint) from public;
grant execute on function chaperone.retry_job(bigint) to chaperone_tenant;
