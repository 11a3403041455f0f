-- The first migration: organizations and what belongs to them.
--
-- Every key begins with organization_id, so that a distributed Postgres can shard by it unchanged.
-- Every table has row-level security from the day it is made: an organization's login role sees its own rows, decided
-- by session_user, which no client can set.

revoke all on schema chaperone from public;

do $$
begin
  create role chaperone_tenant nologin;
exception
  when duplicate_object or unique_violation then null;
end
$$;

grant usage on schema chaperone to chaperone_tenant;

-- Who a login role is. No tenant may read it; only the function below does, as the owner.
create table chaperone.organization_roles (
  organization_id uuid not null,
  role_name name not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, role_name),
  unique (role_name)
);
alter table chaperone.organization_roles enable row level security;

create function chaperone.current_organization_id() returns uuid
  language sql stable security definer parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select organization_id from chaperone.organization_roles where role_name = session_user
$$;
revoke all on function chaperone.current_organization_id() from public;
grant execute on function chaperone.current_organization_id() to chaperone_tenant;

-- The change counter. Every change to an organization's configuration raises it; proxies are told by NOTIFY and, where
-- notifications cannot reach them (PgBouncer), poll this one row.
create table chaperone.config_versions (
  organization_id uuid primary key,
  version bigint not null default 0
);
alter table chaperone.config_versions enable row level security;
create policy tenant on chaperone.config_versions to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.config_versions to chaperone_tenant;

-- Stamps a changed row with the organization's next version. The row lock on config_versions is held to the end of the
-- transaction, so versions become visible in their own order and "everything above the version I have" is complete.
create function chaperone.stamp_config_version() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into chaperone.config_versions as v (organization_id, version)
    values (new.organization_id, 1)
    on conflict (organization_id) do update set version = v.version + 1
    returning v.version into new.config_version;
  perform pg_notify('chaperone_' || replace(new.organization_id::text, '-', ''), '');
  return new;
end
$$;
revoke all on function chaperone.stamp_config_version() from public;

create table chaperone.organizations (
  organization_id uuid primary key,
  name text not null unique,
  -- The Organization's spec, as far as a proxy enforces it; the shape is crds/organization.yaml's.
  spec jsonb not null,
  config_version bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
alter table chaperone.organizations enable row level security;
create policy tenant on chaperone.organizations to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.organizations to chaperone_tenant;
create trigger stamp_config_version before insert or update on chaperone.organizations
  for each row execute function chaperone.stamp_config_version();

create table chaperone.personas (
  organization_id uuid not null,
  persona_id uuid not null,
  -- "namespace/name" of the Persona that owns the row, null where the API made it.
  resource text,
  name text not null,
  description text,
  content_encrypted bytea not null,
  -- External ids of the users who may use it; empty: everyone.
  users text[] not null default '{}',
  model text,
  parameters jsonb not null default '{}',
  is_active boolean not null default true,
  config_version bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (organization_id, persona_id)
);
create unique index personas_name on chaperone.personas (organization_id, name) where deleted_at is null;
create index personas_config_version on chaperone.personas (organization_id, config_version);
alter table chaperone.personas enable row level security;
create policy tenant on chaperone.personas to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.personas to chaperone_tenant;
create trigger stamp_config_version before insert or update on chaperone.personas
  for each row execute function chaperone.stamp_config_version();

create table chaperone.api_keys (
  organization_id uuid not null,
  api_key_id uuid not null,
  resource text,
  provider text not null,
  -- External id of the only user it serves; null: the whole organization.
  user_external_id text,
  models text[],
  key_encrypted bytea not null,
  fingerprint text not null,
  synthetic_key_sha256 bytea not null,
  is_active boolean not null default true,
  expires_at timestamptz,
  config_version bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (organization_id, api_key_id)
);
create index api_keys_config_version on chaperone.api_keys (organization_id, config_version);
alter table chaperone.api_keys enable row level security;
create policy tenant on chaperone.api_keys to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.api_keys to chaperone_tenant;
create trigger stamp_config_version before insert or update on chaperone.api_keys
  for each row execute function chaperone.stamp_config_version();

create table chaperone.analysis_configs (
  organization_id uuid not null,
  analysis_config_id uuid not null,
  resource text,
  name text not null,
  description text,
  -- Encrypted, since a custom prompt is in it.
  config_encrypted bytea not null,
  is_active boolean not null default true,
  config_version bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (organization_id, analysis_config_id)
);
create unique index analysis_configs_name on chaperone.analysis_configs (organization_id, name) where deleted_at is null;
alter table chaperone.analysis_configs enable row level security;
create policy tenant on chaperone.analysis_configs to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.analysis_configs to chaperone_tenant;
create trigger stamp_config_version before insert or update on chaperone.analysis_configs
  for each row execute function chaperone.stamp_config_version();

create table chaperone.users (
  organization_id uuid not null,
  -- UUIDv5 of (organization_id, external_id), so that every proxy knows it without asking.
  user_id uuid not null,
  external_id text not null,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id),
  unique (organization_id, external_id)
);
alter table chaperone.users enable row level security;
create policy tenant on chaperone.users to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.users to chaperone_tenant;

create table chaperone.sessions (
  organization_id uuid not null,
  -- The nil UUID for calls without a user: two users may choose the same session id and must not meet in it.
  user_id uuid not null,
  session_id text not null,
  started_at timestamptz not null,
  last_request_at timestamptz not null,
  primary key (organization_id, user_id, session_id)
);
alter table chaperone.sessions enable row level security;
create policy tenant on chaperone.sessions to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
-- By column, as whoever may update a whole table may lock it against everyone.
grant select, insert, update (started_at, last_request_at) on chaperone.sessions to chaperone_tenant;

-- The facts: one row a call that went upstream.
create table chaperone.requests (
  organization_id uuid not null,
  -- Its first 12 hexadecimal digits after "req_" are started_at in milliseconds, so a look-up by id reads one partition.
  request_id text not null,
  started_at timestamptz not null,
  kind text not null default 'call' check (kind in ('call', 'analysis')),
  operation text not null,
  user_id uuid not null,
  session_id text not null,
  turn_id text,
  -- Where the call came from, for proxies in pods.
  namespace text,
  workload text,
  persona_id uuid,
  api_key_id uuid,
  provider text not null,
  requested_model text,
  model text,
  is_stream boolean not null,
  status text not null check (status in ('completed', 'failed', 'cancelled', 'interrupted')),
  http_status integer,
  error_code text,
  response_id text,
  previous_response_id text,
  -- Token counts are null where the provider's figure never became known.
  input_tokens bigint,
  cached_input_tokens bigint,
  cache_write_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  total_tokens bigint,
  -- Null: unpriced. Never 0 for a price that is not known.
  cost_usd numeric(20, 12),
  duration_ms integer,
  time_to_first_token_ms integer,
  primary key (organization_id, started_at, request_id)
) partition by range (started_at);
create index requests_response_id on chaperone.requests (organization_id, response_id) where response_id is not null;
alter table chaperone.requests enable row level security;
create policy tenant on chaperone.requests to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.requests to chaperone_tenant;
-- Only for times that no clock should show: a record is kept rather than refused.
create table chaperone.requests_default partition of chaperone.requests default;
alter table chaperone.requests_default enable row level security;

create table chaperone.request_contents (
  organization_id uuid not null,
  request_id text not null,
  started_at timestamptz not null,
  -- Encrypted values do not compress; without EXTERNAL Postgres would try with each.
  input_encrypted bytea storage external,
  output_encrypted bytea storage external,
  primary key (organization_id, started_at, request_id)
) partition by range (started_at);
alter table chaperone.request_contents enable row level security;
create policy tenant on chaperone.request_contents to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.request_contents to chaperone_tenant;
create table chaperone.request_contents_default partition of chaperone.request_contents default;
alter table chaperone.request_contents_default enable row level security;

-- Makes the month's partitions where they are missing. Tenants may call it, since a proxy may be the first to see a new
-- month; outside sensible times it does nothing and the default partition takes the row.
create function chaperone.ensure_request_partitions(at timestamptz) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  month_start timestamptz := date_trunc('month', at, 'UTC');
  month_end timestamptz := month_start + interval '1 month';
  suffix text := to_char(at at time zone 'UTC', 'YYYY_MM');
  parent text;
  fresh text;
begin
  if at < now() - interval '2 years' or at > now() + interval '3 months' then
    return;
  end if;
  foreach parent in array array['requests', 'request_contents'] loop
    fresh := format('chaperone.%I', parent || '_' || suffix);
    continue when to_regclass(fresh) is not null;
    -- One at a time, and no tenant can take this lock to hold the others up, as it could an advisory one.
    execute format('lock table chaperone.%I in access exclusive mode', parent || '_default');
    continue when to_regclass(fresh) is not null;
    execute format('create table %s (like chaperone.%I including defaults including constraints)', fresh, parent);
    execute format('alter table %s enable row level security', fresh);
    -- The default partition took them before their month was sensible; with them in it the month could not be attached.
    execute format('with moved as (delete from chaperone.%I where started_at >= $1 and started_at < $2 returning *)
      insert into %s select * from moved', parent || '_default', fresh) using month_start, month_end;
    execute format('alter table chaperone.%I attach partition %s for values from (%L) to (%L)',
      parent, fresh, month_start, month_end);
  end loop;
end
$$;
revoke all on function chaperone.ensure_request_partitions(timestamptz) from public;
grant execute on function chaperone.ensure_request_partitions(timestamptz) to chaperone_tenant;

create table chaperone.ratings (
  organization_id uuid not null,
  request_id text not null,
  response_id text,
  rating smallint not null check (rating in (-1, 1)),
  feedback text,
  -- Null where the rater is unknown.
  rated_by uuid,
  rated_at timestamptz not null,
  primary key (organization_id, request_id)
);
create index ratings_rated_at on chaperone.ratings (organization_id, rated_at);
alter table chaperone.ratings enable row level security;
create policy tenant on chaperone.ratings to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert, update (response_id, rating, feedback, rated_by, rated_at) on chaperone.ratings to chaperone_tenant;

create table chaperone.rating_history (
  organization_id uuid not null,
  request_id text not null,
  rating_id uuid not null,
  rating smallint not null,
  feedback text,
  rated_by uuid,
  rated_at timestamptz not null,
  primary key (organization_id, request_id, rating_id)
);
alter table chaperone.rating_history enable row level security;
create policy tenant on chaperone.rating_history to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.rating_history to chaperone_tenant;

-- Makes or updates an organization's login role. The password arrives as a SCRAM-SHA-256 verifier, so that it is in
-- no statement and no log.
create function chaperone.ensure_organization_role(organization uuid, password_verifier text) returns name
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  role_name name := 'chaperone_org_' || replace(organization::text, '-', '');
begin
  if password_verifier !~ '^SCRAM-SHA-256\$' then
    raise exception 'the password must be given as a SCRAM-SHA-256 verifier';
  end if;
  if not exists (select from pg_roles where rolname = role_name) then
    execute format('create role %I login nosuperuser nocreatedb nocreaterole', role_name);
  end if;
  execute format('alter role %I login password %L', role_name, password_verifier);
  execute format('alter role %I set search_path = chaperone', role_name);
  execute format('grant chaperone_tenant to %I', role_name);
  insert into chaperone.organization_roles (organization_id, role_name) values (organization, role_name)
    on conflict do nothing;
  return role_name;
end
$$;
revoke all on function chaperone.ensure_organization_role(uuid, text) from public;

create function chaperone.drop_organization_role(organization uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  role_name name := 'chaperone_org_' || replace(organization::text, '-', '');
begin
  delete from chaperone.organization_roles r where r.organization_id = organization;
  if exists (select from pg_roles where rolname = role_name) then
    execute format('drop role %I', role_name);
  end if;
end
$$;
revoke all on function chaperone.drop_organization_role(uuid) from public;

-- Deletes every row of an organization, in whatever table it is: a new table needs no line here.
create function chaperone.delete_organization(organization uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  owned regclass;
begin
  for owned in
    select c.oid::regclass
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
    where c.relnamespace = 'chaperone'::regnamespace
      and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> 'organization_roles'
  loop
    execute format('delete from %s where organization_id = $1', owned) using organization;
  end loop;
  perform pg_notify('chaperone_' || replace(organization::text, '-', ''), '');
end
$$;
revoke all on function chaperone.delete_organization(uuid) from public;
