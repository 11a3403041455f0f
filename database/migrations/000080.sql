-- How texts that were analysed sounded, by day.
create table chaperone.sentiment_days (
  organization_id uuid not null,
  day date not null,
  texts bigint not null default 0,
  positive bigint not null default 0,
  negative bigint not null default 0,
  -- The sum of 1 + positive - negative of each text, in thousandths.
  score_sum bigint not null default 0,
  primary key (organization_id, day)
);
alter table chaperone.sentiment_days enable row level security;
create policy tenant on chaperone.sentiment_days to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.sentiment_days to chaperone_tenant;
grant update (texts, positive, negative, score_sum) on chaperone.sentiment_days to chaperone_tenant;

-- What queries that were answered were about, by day.
create table chaperone.issue_days (
  organization_id uuid not null,
  day date not null,
  issue text not null check (length(issue) <= 100),
  queries bigint not null default 0,
  -- Those that could be rated, and the sum as above.
  rated bigint not null default 0,
  score_sum bigint not null default 0,
  primary key (organization_id, day, issue)
);
alter table chaperone.issue_days enable row level security;
create policy tenant on chaperone.issue_days to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.issue_days to chaperone_tenant;
grant update (queries, rated, score_sum) on chaperone.issue_days to chaperone_tenant;
