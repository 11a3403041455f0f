-- Stamps a changed row with the organization's next version. The row lock on config_versions is held until the transaction
-- ends. So versions become visible in order, and a reader that asks for all above its version misses none.
create or replace function chaperone.stamp_config_version() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  insert into chaperone.config_versions as v (organization_id, version)
    values (new.organization_id, 1)
    on conflict (organization_id) do update set version = v.version + 1, changed_at = clock_timestamp()
    returning v.version into new.config_version;
  perform pg_notify('chaperone_' || replace(new.organization_id::text, '-', ''), '');
  return new;
end
$$;
revoke all on function chaperone.stamp_config_version() from public;
