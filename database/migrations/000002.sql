-- What the API makes lives beside what YAML owns: tenants may write personas and users, and of personas only those
-- without a resource.

create policy api_made on chaperone.personas as restrictive for update to chaperone_tenant
  using (resource is null) with check (resource is null);
-- No grant names resource, so that a tenant's own rows have none.
grant insert (organization_id, persona_id, name, description, content_encrypted, users, model, parameters, is_active)
  on chaperone.personas to chaperone_tenant;
grant update (name, description, content_encrypted, users, model, parameters, is_active, updated_at, deleted_at)
  on chaperone.personas to chaperone_tenant;

alter table chaperone.users
  add column display_name text,
  -- Null until a user is changed: most are made by their first call, which no proxy needs to hear of.
  add column config_version bigint,
  add column updated_at timestamptz not null default now();
create index users_config_version on chaperone.users (organization_id, config_version) where config_version is not null;
create trigger stamp_config_version before update of is_active, user_id on chaperone.users
  for each row execute function chaperone.stamp_config_version();
grant update (display_name, is_active, updated_at) on chaperone.users to chaperone_tenant;
