-- The time by which windows, raises and leases go. One function, so that a test can move it in a database of its own.
create or replace function chaperone.quota_now() returns timestamptz
  language sql volatile parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select clock_timestamp()
$$;
revoke all on function chaperone.quota_now() from public;
grant execute on function chaperone.quota_now() to chaperone_tenant;
