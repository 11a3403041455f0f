-- That the use of a budget has reached a percentage of it: once for each counter, which is of one scope in one window.
-- Whose counter it is stands in quota_counters.
create table chaperone.budget_warnings (
  organization_id uuid not null,
  counter_id bigint not null,
  percent integer not null check (percent between 1 and 1000),
  rule text not null check (length(rule) <= 512),
  -- In 10^-9 US dollars.
  used bigint not null,
  amount bigint not null,
  warned_at timestamptz not null default now(),
  -- When the Event was written. Null: not yet.
  announced_at timestamptz,
  primary key (organization_id, counter_id, percent)
);
create index budget_warnings_warned_at on chaperone.budget_warnings (warned_at);
alter table chaperone.budget_warnings enable row level security;
create policy tenant on chaperone.budget_warnings for all to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.budget_warnings to chaperone_tenant;
