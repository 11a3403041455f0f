-- Training jobs that were asked for. A proxy adds them and asks for their end; the operator, which makes the Jobs in
-- Kubernetes, writes everything else. Who asked is in the audit log.
create table chaperone.training_jobs (
  organization_id uuid not null,
  job_id text not null check (job_id ~ '^train-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{10}$'),
  base_model text not null check (length(base_model) <= 128),
  training_data_uri text not null check (length(training_data_uri) <= 1024),
  validation_data_uri text check (length(validation_data_uri) <= 1024),
  hyperparameters jsonb not null check (octet_length(hyperparameters::text) <= 16384),
  instance_count integer not null check (instance_count between 1 and 1000),
  instance_type text not null check (length(instance_type) <= 63),
  model_output_uri text not null check (length(model_output_uri) <= 1024),
  status text not null default 'STARTING'
    check (status in ('STARTING', 'IN_PROGRESS', 'CANCELLING', 'COMPLETED', 'FAILED', 'CANCELLED')),
  -- What a person should know of the status.
  message text check (length(message) <= 1000),
  progress jsonb,
  -- The end of what the first pod has printed.
  log text,
  cancel_requested_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  completed_at timestamptz,
  primary key (organization_id, job_id)
);
create index training_jobs_open on chaperone.training_jobs (organization_id, created_at) where completed_at is null;
create index training_jobs_created on chaperone.training_jobs (organization_id, created_at);
create index training_jobs_output on chaperone.training_jobs (organization_id, model_output_uri);
alter table chaperone.training_jobs enable row level security;
create policy tenant on chaperone.training_jobs to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.training_jobs to chaperone_tenant;
grant insert (organization_id, job_id, base_model, training_data_uri, validation_data_uri, hyperparameters, instance_count,
  instance_type, model_output_uri) on chaperone.training_jobs to chaperone_tenant;
grant update (cancel_requested_at) on chaperone.training_jobs to chaperone_tenant;

-- Models that are to be served. A proxy says what it wants of them; the operator, which makes the Deployments in Kubernetes,
-- writes where they are and how they fare. Proxies route calls of a model with the name of a deployment to its address.
create table chaperone.model_deployments (
  organization_id uuid not null,
  deployment_id text not null check (deployment_id ~ '^deploy-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{10}$'),
  -- Stands in records for the key of the calls.
  key_id uuid not null,
  name text not null check (name ~ '^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$'),
  model_uri text not null check (length(model_uri) <= 1024),
  base_model text check (length(base_model) <= 128),
  replicas integer not null check (replicas between 1 and 1000),
  -- Null: nothing scales it.
  min_replicas integer check (min_replicas between 1 and 1000),
  max_replicas integer check (max_replicas between min_replicas and 1000),
  target_utilization integer check (target_utilization between 1 and 100),
  -- Such as {"cpu": "2", "memory": "4Gi"}.
  resources jsonb not null check (octet_length(resources::text) <= 4096),
  -- What the pods ask of their callers, sealed.
  key_encrypted bytea not null,
  -- Grows with each change of what is wanted.
  revision integer not null default 1,
  status text not null default 'CREATING'
    check (status in ('CREATING', 'IN_SERVICE', 'UPDATING', 'FAILED', 'DELETING', 'DELETED')),
  message text check (length(message) <= 1000),
  -- The base URL. Null: nothing is there yet.
  address text check (length(address) <= 512),
  ready_replicas integer not null default 0,
  delete_requested_at timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  deleted_at timestamptz,
  config_version bigint not null,
  primary key (organization_id, deployment_id)
);
create unique index model_deployments_name on chaperone.model_deployments (organization_id, name) where deleted_at is null;
create index model_deployments_version on chaperone.model_deployments (organization_id, config_version);
-- How many pods are ready changes often, and no proxy asks.
create trigger stamp_config_version
  before insert or update of name, address, key_encrypted, delete_requested_at, deleted_at on chaperone.model_deployments
  for each row execute function chaperone.stamp_config_version();
alter table chaperone.model_deployments enable row level security;
create policy tenant on chaperone.model_deployments to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.model_deployments to chaperone_tenant;
grant insert (organization_id, deployment_id, key_id, name, model_uri, base_model, replicas, min_replicas, max_replicas,
  target_utilization, resources, key_encrypted) on chaperone.model_deployments to chaperone_tenant;
grant update (model_uri, base_model, replicas, min_replicas, max_replicas, target_utilization, resources, revision, updated_at,
  delete_requested_at) on chaperone.model_deployments to chaperone_tenant;
