-- Takes the intents of calls of the session's own organization whose worker has not come back for ten minutes: one that was cut
-- off has the true record in its spool, and a record that is stored stays. Returns those of calls without a record: the same transaction stores it. Two sessions never get the same intent.
create or replace function chaperone.take_lost_calls(job bigint) returns setof json
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
begin
  return query
    with taken as (
      delete from chaperone.job_intents i
      where i.organization_id = organization and (job is null or i.job_id = job)
        and i.lost_at < clock_timestamp() - interval '10 minutes'
        and not exists (select from chaperone.workers w where w.worker_id = i.worker_id)
      returning i.started_at, i.request_id, i.record
    )
    select t.record
    from taken t
    where not exists (
      select from chaperone.requests r
      where r.organization_id = organization and r.started_at = t.started_at and r.request_id = t.request_id);
end
$$;
revoke all on function chaperone.take_lost_calls(bigint) from public;
grant execute on function chaperone.take_lost_calls(bigint) to chaperone_tenant;
