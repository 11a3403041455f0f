-- Which calls say what another user than their own has said, as analyses do: an erasure of that user finds them, also where
-- they arrive later. A row is written before its call is made.
create table chaperone.quoting_calls (
  organization_id uuid not null,
  request_id text not null check (length(request_id) <= 64),
  -- chaperone.user_digest of who is quoted.
  user_digest bytea not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, request_id)
);
create index quoting_calls_user on chaperone.quoting_calls (organization_id, user_digest);
alter table chaperone.quoting_calls enable row level security;
create policy tenant on chaperone.quoting_calls to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.quoting_calls to chaperone_tenant;

-- What retention has removed of an organization so far.
create table chaperone.retention_states (
  organization_id uuid primary key,
  -- Nothing from before this time is left.
  kept_from timestamptz,
  -- How many rows have gone, by what they were.
  removed jsonb not null default '{}',
  updated_at timestamptz not null default now()
);
alter table chaperone.retention_states enable row level security;

