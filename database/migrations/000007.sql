-- When the configuration was last changed, so that a proxy can tell how long a change took to reach it. By this server's
-- clock, and asked for by this server's clock: no other needs to be right.
alter table chaperone.config_versions add column changed_at timestamptz not null default clock_timestamp();

create or replace function chaperone.stamp_config_version() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
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
