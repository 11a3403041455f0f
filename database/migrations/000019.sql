-- Tokens that are not accepted any more, although they have not expired. Proxies follow it as they follow the configuration.
-- A revocation is a fact, not configuration: no manifest that is applied again takes it back.

create table chaperone.revocations (
  organization_id uuid not null,
  kind text not null check (kind in ('token', 'user', 'key', 'all')),
  -- The token's id (`jti`), the user's id, or the id of the key that signed (`kid`); '' for all.
  subject text not null check (length(subject) <= 1000),
  -- Only tokens that were issued before; null: whenever.
  issued_before timestamptz,
  -- When no such token can be valid any more; null: not known.
  expires_at timestamptz,
  config_version bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, kind, subject),
  check ((kind in ('user', 'all')) = (issued_before is not null))
);
create index revocations_config_version on chaperone.revocations (organization_id, config_version);
alter table chaperone.revocations enable row level security;
create policy tenant on chaperone.revocations to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.revocations to chaperone_tenant;
create trigger stamp_config_version before insert or update on chaperone.revocations
  for each row execute function chaperone.stamp_config_version();
