-- Copied from database/functions by `npm run generate`: edit those.

-- Leases parts of the counters of the session's own organization, by this server's clock (`quota_now`).
create or replace function chaperone.lease_quota(demands jsonb)
  returns table (counter_id bigint, lease_id bigint, granted bigint, room bigint, is_current boolean, at_ms double precision)
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
#variable_conflict use_column
declare
  organization uuid := chaperone.current_organization_id();
  at timestamptz := chaperone.quota_now();
begin
  if organization is null then
    return;
  end if;
  return query
    select l.counter_id, l.lease_id, l.granted, l.room, l.is_current, extract(epoch from at)::double precision * 1000
    from chaperone.lease_quota_of(organization, demands, at) l;
end
$$;
revoke all on function chaperone.lease_quota(jsonb) from public;
grant execute on function chaperone.lease_quota(jsonb) to chaperone_tenant;

-- The time by which windows, raises and leases go. One function, so that a test can move it in a database of its own.
create or replace function chaperone.quota_now() returns timestamptz
  language sql volatile parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select clock_timestamp()
$$;
revoke all on function chaperone.quota_now() from public;
grant execute on function chaperone.quota_now() to chaperone_tenant;
