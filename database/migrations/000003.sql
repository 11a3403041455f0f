-- Analysis: configs that the API makes, and results that are kept.

-- What a tenant makes belongs to no resource: the column is not its to write.
grant insert (organization_id, analysis_config_id, name, description, config_encrypted, is_active)
  on chaperone.analysis_configs to chaperone_tenant;
grant update (name, description, config_encrypted, is_active, updated_at, deleted_at) on chaperone.analysis_configs
  to chaperone_tenant;
-- Beside the policy of the organization, which it narrows: what a resource owns is changed by way of the resource.
create policy api_made on chaperone.analysis_configs as restrictive for update to chaperone_tenant
  using (resource is null) with check (resource is null);

create table chaperone.analysis_results (
  organization_id uuid not null,
  -- A keyed digest of the conversation and the normalised config: without the data key nobody can confirm a guess by it.
  cache_key bytea not null,
  -- Encrypted, since it reasons about what was said.
  result_encrypted bytea not null,
  -- The saved config behind it; null where all of it came with the request.
  analysis_config_id uuid,
  -- The call that was analysed first, and whose it was: what is kept of a call can be found by it.
  request_id text not null,
  user_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, cache_key)
);
create index analysis_results_user_id on chaperone.analysis_results (organization_id, user_id);
create index analysis_results_config_id on chaperone.analysis_results (organization_id, analysis_config_id)
  where analysis_config_id is not null;
alter table chaperone.analysis_results enable row level security;
create policy tenant on chaperone.analysis_results to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.analysis_results to chaperone_tenant;
