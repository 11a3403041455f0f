-- Does nothing. Proxies of earlier versions call it.
create or replace function chaperone.ensure_request_partitions(at timestamptz) returns void
  language sql security invoker
  set search_path = pg_catalog, pg_temp
as $$
  select
$$;
revoke all on function chaperone.ensure_request_partitions(timestamptz) from public;
grant execute on function chaperone.ensure_request_partitions(timestamptz) to chaperone_tenant;
