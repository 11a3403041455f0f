-- What callers keep at their providers, and calls whose end comes after their answer.

-- Who made a file, a conversation, a batch or a vector store. A provider knows only the key, which several users and
-- even several organizations may share.
create table chaperone.owned_resources (
  organization_id uuid not null,
  resource_id text not null,
  kind text not null check (kind in ('file', 'conversation', 'batch', 'vector_store')),
  user_id uuid not null,
  -- The key that made it: the provider knows it under no other.
  api_key_id uuid not null,
  created_at timestamptz not null,
  deleted_at timestamptz,
  primary key (organization_id, resource_id)
);
create index owned_resources_user on chaperone.owned_resources (organization_id, user_id, kind) where deleted_at is null;
alter table chaperone.owned_resources enable row level security;
create policy tenant on chaperone.owned_resources to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert, update (deleted_at) on chaperone.owned_resources to chaperone_tenant;

-- Calls that the provider works on after it has answered: background responses and batches. Whichever proxy of the
-- organization sees one's end first settles it.
create table chaperone.pending_calls (
  organization_id uuid not null,
  request_id text not null,
  started_at timestamptz not null,
  -- The provider's id, by which its state is asked for.
  response_id text not null,
  -- The record as far as it is known, in the form in which proxies spool it; null once settled.
  record json,
  -- When the next proxy looks at it. A proxy that looks moves it on, so that no other does meanwhile.
  next_look_at timestamptz not null default now() + interval '2 seconds',
  settled_at timestamptz,
  primary key (organization_id, request_id)
);
create index pending_calls_response_id on chaperone.pending_calls (organization_id, response_id) where settled_at is null;
create index pending_calls_next_look_at on chaperone.pending_calls (organization_id, next_look_at) where settled_at is null;
alter table chaperone.pending_calls enable row level security;
create policy tenant on chaperone.pending_calls to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert, update (record, next_look_at, settled_at) on chaperone.pending_calls to chaperone_tenant;
