-- Forgets the intents of jobs' calls that have a record, and notes since when the worker of the others is not alive. Adds a job
-- for each organization with calls whose worker has not come back for ten minutes.
create or replace function chaperone.look_for_lost_calls() returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  delete from chaperone.job_intents i
    using chaperone.requests r
    where r.organization_id = i.organization_id and r.started_at = i.started_at and r.request_id = i.request_id;
  update chaperone.job_intents i
    set lost_at = case when i.lost_at is null then clock_timestamp() end
    where (i.lost_at is null) <> exists (select from chaperone.workers w where w.worker_id = i.worker_id);
  perform chaperone.add_job_of(l.organization_id, 'settle-calls', 'all', null, 5)
    from (
      select distinct i.organization_id
      from chaperone.job_intents i
        join chaperone.organizations o on o.organization_id = i.organization_id and o.deleted_at is null
      where i.lost_at < clock_timestamp() - interval '10 minutes'
    ) l;
end
$$;
revoke all on function chaperone.look_for_lost_calls() from public;
grant execute on function chaperone.look_for_lost_calls() to chaperone_worker;
