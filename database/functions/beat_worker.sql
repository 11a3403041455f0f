-- Notes that a worker is alive, and gives back the jobs of workers that have not said so for `silence_ms`. Another attempt
-- follows at once, later ones after a pause: a job may be what kills its worker. Returns how many jobs were given back.
create or replace function chaperone.beat_worker(worker text, silence_ms integer) returns integer
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '2s'
as $$
declare
  released integer;
begin
  insert into chaperone.workers as w (worker_id) values (worker)
    on conflict (worker_id) do update set beat_at = clock_timestamp();
  delete from chaperone.workers w where w.beat_at < clock_timestamp() - silence_ms * interval '1 millisecond';
  update graphile_worker._private_jobs j
    set locked_at = null, locked_by = null,
      run_at = greatest(j.run_at, clock_timestamp() + (j.attempts - 1) * interval '5 seconds')
    where j.locked_by is not null and not exists (select from chaperone.workers w where w.worker_id = j.locked_by);
  get diagnostics released = row_count;
  return released;
end
$$;
revoke all on function chaperone.beat_worker(text, integer) from public;
grant execute on function chaperone.beat_worker(text, integer) to chaperone_worker;
