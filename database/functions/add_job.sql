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
