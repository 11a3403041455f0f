-- Notes that a worker has ended, and gives back what it has not finished.
create or replace function chaperone.leave_worker(worker text) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '2s'
as $$
begin
  delete from chaperone.workers w where w.worker_id = worker;
  update graphile_worker._private_jobs j set locked_at = null, locked_by = null where j.locked_by = worker;
end
$$;
revoke all on function chaperone.leave_worker(text) from public;
grant execute on function chaperone.leave_worker(text) to chaperone_worker;
