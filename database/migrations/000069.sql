-- The hashes of the passwords of accounts that the Organization states, sealed. Only the operator writes them.
create table chaperone.accounts (
  organization_id uuid not null,
  -- The id of the account's user.
  account_id uuid not null,
  password_encrypted bytea not null,
  updated_at timestamptz not null default now(),
  primary key (organization_id, account_id)
);
alter table chaperone.accounts enable row level security;
create policy tenant on chaperone.accounts to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.accounts to chaperone_tenant;

-- Who is logged in. Refresh tokens are stored as digests.
create table chaperone.logins (
  organization_id uuid not null,
  login_id uuid not null,
  account_id uuid not null,
  refresh_sha256 bytea not null check (length(refresh_sha256) = 32),
  former_sha256 bytea check (length(former_sha256) = 32),
  -- Of the password's hash: with another password, there is nothing to refresh.
  password_sha256 bytea not null check (length(password_sha256) = 32),
  created_at timestamptz not null default clock_timestamp(),
  refreshed_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  primary key (organization_id, login_id)
);
create index logins_account on chaperone.logins (organization_id, account_id);
alter table chaperone.logins enable row level security;
create policy tenant on chaperone.logins to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert, update (refresh_sha256, former_sha256, refreshed_at, ended_at)
  on chaperone.logins to chaperone_tenant;

-- How often logins have failed: of an account, of an address (account_id is nil), and of an account from an address.
create table chaperone.login_attempts (
  organization_id uuid not null,
  account_id uuid not null,
  -- Under a key of the organization. Empty: from any address.
  address_digest bytea not null check (length(address_digest) in (0, 32)),
  failures integer not null,
  locked_until timestamptz not null,
  -- Whether the last attempt came too early.
  was_locked boolean not null default false,
  last_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, account_id, address_digest)
) with (fillfactor = 70);
alter table chaperone.login_attempts enable row level security;
create policy tenant on chaperone.login_attempts to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert, update (failures, locked_until, was_locked, last_at)
  on chaperone.login_attempts to chaperone_tenant;

-- A login that ends revokes its own tokens. A proxy can revoke nothing else.
create policy tenant_revokes_tokens on chaperone.revocations as restrictive for insert to chaperone_tenant
  with check (kind = 'token' and expires_at is not null);
grant insert (organization_id, kind, subject, expires_at) on chaperone.revocations to chaperone_tenant;
