-- Background jobs. graphile-worker's own migrations make its schema before this one (database/migrate.ts).

do $$
begin
  create role chaperone_worker nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

-- A worker takes jobs of all organizations, which are ids of rows. What is in the rows it reads as the organization.
grant usage on schema graphile_worker to chaperone_worker;
grant select on table graphile_worker.migrations to chaperone_worker;
grant select, insert, update, delete on table graphile_worker._private_jobs to chaperone_worker;
grant select, insert, update, delete on table graphile_worker._private_job_queues to chaperone_worker;
grant select, insert, update, delete on table graphile_worker._private_tasks to chaperone_worker;
grant select, insert, update, delete on table graphile_worker._private_known_crontabs to chaperone_worker;
grant usage on all sequences in schema graphile_worker to chaperone_worker;
grant usage on schema chaperone to chaperone_worker;

-- The schema chaperone may have been dropped without that of graphile-worker.
drop policy if exists worker on graphile_worker._private_jobs;
create policy worker on graphile_worker._private_jobs to chaperone_worker using (true) with check (true);
drop policy if exists worker on graphile_worker._private_job_queues;
create policy worker on graphile_worker._private_job_queues to chaperone_worker using (true) with check (true);
drop policy if exists worker on graphile_worker._private_tasks;
create policy worker on graphile_worker._private_tasks to chaperone_worker using (true) with check (true);
drop policy if exists worker on graphile_worker._private_known_crontabs;
create policy worker on graphile_worker._private_known_crontabs to chaperone_worker using (true) with check (true);

create index if not exists chaperone_organization on graphile_worker._private_jobs ((payload ->> 'organization'));

-- The workers that are alive. Only functions that run as the owner read and write it.
create table chaperone.workers (
  worker_id text primary key,
  started_at timestamptz not null default clock_timestamp(),
  beat_at timestamptz not null default clock_timestamp()
);
alter table chaperone.workers enable row level security;

-- The calls to providers that a job has begun, in the order of their numbers for each step. A further attempt of the job
-- takes the answers of those that have one.
create table chaperone.job_calls (
  organization_id uuid not null,
  job_id bigint not null,
  step text not null check (length(step) <= 100),
  number integer not null,
  request_id text not null check (length(request_id) <= 64),
  created_at timestamptz not null default now(),
  primary key (organization_id, job_id, step, number)
);
alter table chaperone.job_calls enable row level security;
create policy tenant on chaperone.job_calls to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.job_calls to chaperone_tenant;

-- Copied from database/functions by `npm run generate`: edit those.

-- Adds a background job for the session's own organization. A tenant cannot add one for another organization, no chore, and
-- not more than its share: 50,000 that wait.
create or replace function chaperone.add_job(task text, subject text, due timestamptz, attempts integer) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  most constant integer := 50000;
  organization uuid := chaperone.current_organization_id();
begin
  if organization is null then
    raise exception 'the session belongs to no organization' using errcode = 'insufficient_privilege';
  end if;
  if (select count(*) from (
        select from graphile_worker._private_jobs j where j.payload ->> 'organization' = organization::text limit most
      ) waiting) = most then
    raise exception 'the organization has % background jobs', most using errcode = 'configuration_limit_exceeded';
  end if;
  return chaperone.add_job_of(organization, task, subject, due, attempts);
end
$$;
revoke all on function chaperone.add_job(text, text, timestamptz, integer) from public;
grant execute on function chaperone.add_job(text, text, timestamptz, integer) to chaperone_tenant;

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

-- Deletes every row of an organization, in every table that has `organization_id`. A new table needs no line here. Its background jobs go, too. The
-- audit log comes last: it goes only with its organization.
create or replace function chaperone.delete_organization(organization uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  owned regclass;
begin
  for owned in
    select c.oid::regclass
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
    where c.relnamespace = 'chaperone'::regnamespace
      and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> 'organization_roles'
    order by c.relname = 'audit_log', c.relname
  loop
    execute format('delete from %s where organization_id = $1', owned) using organization;
  end loop;
  delete from graphile_worker._private_jobs j where j.payload ->> 'organization' = organization::text;
  perform pg_notify('chaperone_' || replace(organization::text, '-', ''), '');
end
$$;
revoke all on function chaperone.delete_organization(uuid) from public;

-- Makes or updates the login of this database's workers. Roles belong to the whole server, so the name has a digest of the
-- database's. The password arrives as a SCRAM-SHA-256 verifier, as in ensure_organization_role.
create or replace function chaperone.ensure_worker_role(password_verifier text) returns name
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  login name := 'chaperone_worker_' || left(md5(current_database()), 12);
begin
  if password_verifier !~ '^SCRAM-SHA-256\$' then
    raise exception 'the password must be given as a SCRAM-SHA-256 verifier';
  end if;
  if not exists (select from pg_roles where rolname = login) then
    execute format('create role %I login nosuperuser nocreatedb nocreaterole', login);
  end if;
  execute format('alter role %I login password %L', login, password_verifier);
  execute format('grant chaperone_worker to %I', login);
  return login;
end
$$;
revoke all on function chaperone.ensure_worker_role(text) from public;

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
