-- Adds a background job for an organization, in the transaction of its caller. A job that has not begun and is about the same
-- subject is not added twice: it takes the earlier of the two times. Returns the job's id.
create or replace function chaperone.add_job_of(organization uuid, task text, subject text, due timestamptz, attempts integer)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
declare
  known constant text := format('%s/%s/%s', task, organization, subject);
  job bigint;
begin
  if task !~ '^[a-z][a-z0-9-]{0,59}$' or subject !~ '^[A-Za-z0-9_.:-]{1,100}$' or attempts not between 1 and 50 then
    raise exception 'a job needs a task, the id of a row, and 1 to 50 attempts' using errcode = 'check_violation';
  end if;
  select j.id into job from graphile_worker._private_jobs j
    where j.key = known and j.locked_at is null and j.attempts < j.max_attempts and j.run_at <= coalesce(due, now())
    -- Whoever takes the job now waits for this transaction, and then sees what it is about.
    for update;
  if job is not null then
    return job;
  end if;
  select j.id into job from graphile_worker.add_job(
    identifier => 'organization:' || task,
    payload => json_build_object('organization', organization, 'id', subject),
    run_at => due, max_attempts => attempts, job_key => known, flags => array['organization:' || organization]) j;
  return job;
end
$$;
revoke all on function chaperone.add_job_of(uuid, text, text, timestamptz, integer) from public;
