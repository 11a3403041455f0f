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
