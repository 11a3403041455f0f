-- Keys of the organization's own API that the API made. Those in spec.apiKeys are not here. A proxy may add keys, rotate and
-- revoke them; it never reads a key, since only digests are stored.
create table chaperone.access_keys (
  organization_id uuid not null,
  key_id uuid not null,
  name text not null check (length(name) <= 200),
  type text not null check (type in ('secret', 'public')),
  roles text[] not null,
  -- Of a public key: the origins of web pages.
  origins text[],
  requests_per_hour integer check (requests_per_hour > 0),
  visitor_requests_per_hour integer check (visitor_requests_per_hour > 0),
  sha256 bytea not null check (length(sha256) = 32),
  -- The key before the last rotation, and until when it is accepted.
  former_sha256 bytea check (length(former_sha256) = 32),
  former_until timestamptz,
  -- The beginning and the end of the key.
  hint text not null check (length(hint) <= 20),
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  rotated_at timestamptz,
  revoked_at timestamptz,
  config_version bigint not null,
  primary key (organization_id, key_id)
);
create unique index access_keys_name on chaperone.access_keys (organization_id, name) where revoked_at is null;
create index access_keys_version on chaperone.access_keys (organization_id, config_version);
create trigger stamp_config_version before insert or update on chaperone.access_keys
  for each row execute function chaperone.stamp_config_version();
alter table chaperone.access_keys enable row level security;
create policy tenant on chaperone.access_keys to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.access_keys to chaperone_tenant;
grant insert (organization_id, key_id, name, type, roles, origins, requests_per_hour, visitor_requests_per_hour, sha256, hint,
  expires_at) on chaperone.access_keys to chaperone_tenant;
grant update (sha256, former_sha256, former_until, hint, rotated_at, revoked_at) on chaperone.access_keys to chaperone_tenant;
