-- When a worker's absence was noticed first: the calls of one that was cut off from the database are not given up at once.
alter table chaperone.job_intents add column lost_at timestamptz;

-- A sidecar of a version that knew no templates would take one for a way to classify calls.
create policy classifications on chaperone.analysis_configs as restrictive for select to chaperone_tenant
  using (kind = 'classification');


-- Copied from database/functions by `npm run generate`: edit those.

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

-- An active template by its name, still sealed, as the session's own organization has it. One that serves one of the
-- namespaces comes before the organization's. Templates are read by this function alone: a sidecar of a version that knew no
-- templates reads the table, and would take one for a way to classify calls.
create or replace function chaperone.read_analysis_template(namespaces text[], wanted text)
  returns table (analysis_config_id uuid, resource text, serves_namespace text, name text, description text,
    config_encrypted bytea, is_active boolean, created_at timestamptz, updated_at timestamptz)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select c.analysis_config_id, c.resource, c.serves_namespace, c.name, c.description, c.config_encrypted, c.is_active,
    c.created_at, c.updated_at
  from chaperone.analysis_configs c
  where c.organization_id = chaperone.current_organization_id() and c.name = wanted and c.deleted_at is null
    and c.is_active and c.kind = 'template' and (c.serves_namespace is null or c.serves_namespace = any(namespaces))
  order by c.serves_namespace nulls last
  limit 1
$$;
revoke all on function chaperone.read_analysis_template(text[], text) from public;
grant execute on function chaperone.read_analysis_template(text[], text) to chaperone_tenant;

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
