-- A provider, one of its keys, or a model of a key that proxies leave alone for a while: after failures in a row, or since
-- the provider says so. All proxies of an organization share these rows.
create table chaperone.provider_pauses (
  organization_id uuid not null,
  -- What is left alone: the provider's name and a digest of its address, then the key, then the model.
  pause_id text not null check (length(pause_id) <= 400),
  scope text not null check (scope in ('provider', 'key', 'model')),
  provider text not null check (length(provider) <= 63),
  -- Null where all keys of the provider are.
  api_key_id uuid,
  -- One word about the last failure.
  reason text not null check (length(reason) <= 80),
  began_at timestamptz not null default now(),
  ends_at timestamptz not null,
  -- Whether a call was answered since.
  is_over boolean not null default false,
  primary key (organization_id, pause_id)
);
create index provider_pauses_ends_at on chaperone.provider_pauses (ends_at);
alter table chaperone.provider_pauses enable row level security;
create policy tenant on chaperone.provider_pauses for all to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert, update (reason, began_at, ends_at, is_over) on chaperone.provider_pauses to chaperone_tenant;
