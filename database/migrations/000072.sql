-- Texts of users that a worker judges, and what became of them, both sealed.
create table chaperone.text_batches (
  organization_id uuid not null,
  batch_id text not null check (length(batch_id) <= 64),
  user_id uuid not null,
  -- The external id of the user. Null: none.
  requested_by text check (length(requested_by) <= 255),
  status text not null check (status in ('queued', 'processing', 'completed', 'failed')),
  total integer not null check (total > 0),
  done integer not null default 0,
  failed integer not null default 0,
  -- Null once they are judged.
  texts_encrypted bytea,
  results_encrypted bytea,
  error_code text check (length(error_code) <= 64),
  error_message text check (length(error_message) <= 500),
  created_at timestamptz not null default clock_timestamp(),
  completed_at timestamptz,
  primary key (organization_id, batch_id)
);
create index text_batches_user on chaperone.text_batches (organization_id, user_id);
alter table chaperone.text_batches enable row level security;
create policy tenant on chaperone.text_batches to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.text_batches to chaperone_tenant;
grant update (status, done, failed, texts_encrypted, results_encrypted, error_code, error_message, completed_at)
  on chaperone.text_batches to chaperone_tenant;
