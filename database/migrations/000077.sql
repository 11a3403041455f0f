-- Answers that people review.
create table chaperone.review_items (
  organization_id uuid not null,
  item_id text not null check (length(item_id) <= 64),
  -- Who has queued it.
  user_id uuid not null,
  -- Whose words it has: the customer's whom the item names, else those of who has queued it.
  about_user_id uuid not null,
  source text not null check (source in ('api', 'generation', 'guardrail')),
  category text not null check (length(category) <= 100),
  -- 1 is the most urgent.
  priority smallint not null check (priority between 1 and 5),
  -- JSON: query, response, metadata.
  contents_encrypted bytea,
  -- How many reviewers must agree.
  reviews_needed smallint not null check (reviews_needed between 1 and 2),
  status text not null default 'queued' check (status in ('queued', 'reviewed')),
  reviews smallint not null default 0,
  comments integer not null default 0,
  approved boolean,
  edited boolean not null default false,
  claimed_by uuid,
  -- A claim counts until then.
  claimed_until timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  reviewed_at timestamptz,
  primary key (organization_id, item_id)
);
create index review_items_open on chaperone.review_items (organization_id, priority, created_at) where status = 'queued';
create index review_items_reviewed on chaperone.review_items (organization_id, reviewed_at) where status = 'reviewed';
create index review_items_about on chaperone.review_items (organization_id, about_user_id);
create index review_items_updated on chaperone.review_items (organization_id, updated_at);
alter table chaperone.review_items enable row level security;
create policy tenant on chaperone.review_items to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.review_items to chaperone_tenant;
grant update (category, priority, status, reviews, comments, approved, edited, claimed_by, claimed_until, updated_at,
  reviewed_at) on chaperone.review_items to chaperone_tenant;

create table chaperone.review_decisions (
  organization_id uuid not null,
  item_id text not null check (length(item_id) <= 64),
  number smallint not null check (number between 1 and 3),
  -- The reviewer.
  user_id uuid not null,
  approved boolean not null,
  -- JSON: feedback, modified_response.
  contents_encrypted bytea,
  decided_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, item_id, number)
);
create unique index review_decisions_reviewer on chaperone.review_decisions (organization_id, item_id, user_id);
create index review_decisions_user on chaperone.review_decisions (organization_id, user_id);
create index review_decisions_decided on chaperone.review_decisions (organization_id, decided_at) where number = 2;
alter table chaperone.review_decisions enable row level security;
create policy tenant on chaperone.review_decisions to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.review_decisions to chaperone_tenant;

create table chaperone.review_comments (
  organization_id uuid not null,
  item_id text not null check (length(item_id) <= 64),
  number integer not null check (number > 0),
  -- Who says it.
  user_id uuid not null,
  contents_encrypted bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, item_id, number)
);
create index review_comments_user on chaperone.review_comments (organization_id, user_id);
alter table chaperone.review_comments enable row level security;
create policy tenant on chaperone.review_comments to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.review_comments to chaperone_tenant;

-- Copied from database/functions by `npm run generate`: edit those.

-- Deletes some of what an organization stores of calls from before `chaperone.kept_from`: at most so many rows, so that no
-- step takes long. Returns how many rows went. Sums by day and week stay. `end` notes that nothing is left.
create or replace function chaperone.delete_past_records(organization uuid, what text, most integer) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  before timestamptz := chaperone.kept_from(organization);
  place record;
  gone bigint := 0;
begin
  if before is null then
    return 0;
  end if;
  case what
    when 'contents' then
      delete from chaperone.request_contents c
        using (
          select started_at, request_id from chaperone.request_contents
          where organization_id = organization and started_at < before
          order by started_at limit most
        ) past
        where c.organization_id = organization and c.started_at = past.started_at and c.request_id = past.request_id;
    when 'calls' then
      -- Those that the sums do not have yet wait for the next time.
      delete from chaperone.requests r
        using (
          select started_at, request_id from chaperone.requests
          where organization_id = organization and started_at < before
            and not exists (
              select from chaperone.unfolded_usage u, unnest(u.started_at) as noted (at)
              where u.organization_id = organization and noted.at < before)
          order by started_at limit most
        ) past
        where r.organization_id = organization and r.started_at = past.started_at and r.request_id = past.request_id;
    when 'conversations' then
      -- Their analyses go with them.
      with past as (
        delete from chaperone.conversations c
        where c.organization_id = organization and c.conversation_id in (
          select conversation_id from chaperone.conversations
          where organization_id = organization and last_call_at < before limit most)
        returning c.conversation_id
      ), branches as (
        delete from chaperone.conversation_branches b using past p
        where b.organization_id = organization and b.conversation_id = p.conversation_id
      )
      select count(*) into gone from past;
    when 'support_conversations' then
      -- Those that nobody has touched since. The figures of their days stay.
      with past as (
        delete from chaperone.support_conversations c
        where c.organization_id = organization and c.conversation_id in (
          select conversation_id from chaperone.support_conversations
          where organization_id = organization and updated_at < before limit most)
        returning c.conversation_id
      ), messages as (
        delete from chaperone.support_messages m using past p
        where m.organization_id = organization and m.conversation_id = p.conversation_id
      )
      select count(*) into gone from past;
    when 'review_items' then
      -- Those that nobody has touched since, open or not.
      with past as (
        delete from chaperone.review_items i
        where i.organization_id = organization and i.item_id in (
          select item_id from chaperone.review_items
          where organization_id = organization and updated_at < before limit most)
        returning i.item_id
      ), decisions as (
        delete from chaperone.review_decisions d using past p
        where d.organization_id = organization and d.item_id = p.item_id
      ), comments as (
        delete from chaperone.review_comments c using past p
        where c.organization_id = organization and c.item_id = p.item_id
      )
      select count(*) into gone from past;
    when 'sessions' then
      -- No fold counts on what goes.
      insert into chaperone.fold_turns (organization_id) values (organization) on conflict do nothing;
      perform from chaperone.fold_turns where organization_id = organization for update;
      with past as (
        delete from chaperone.sessions s
        where s.ctid = any (array(
          select p.ctid from chaperone.sessions p
          where p.organization_id = organization and p.last_request_at < before limit most))
        returning s.user_id, s.session_id, s.facets, s.facets_first_call_at
      ), facets as (
        delete from chaperone.session_facets f
        using past p, unnest(p.facets, p.facets_first_call_at) as had (facet, first_call_at)
        where f.organization_id = organization and f.facet = had.facet and f.user_id = p.user_id
          and f.first_call_at = had.first_call_at and f.session_id = p.session_id
      )
      select count(*) into gone from past;
    when 'webhook_events' then
      delete from chaperone.webhook_events e
        where e.ctid = any (array(
          select p.ctid from chaperone.webhook_events p
          where p.organization_id = organization and p.occurred_at < before
            and not exists (
              select from chaperone.webhook_deliveries d
              where d.organization_id = organization and d.event_id = p.event_id)
          limit most));
    when 'jobs' then
      -- Dead letters only: all others still have attempts.
      delete from graphile_worker._private_jobs j
        where j.id in (
          select d.id from graphile_worker._private_jobs d
          where d.payload ->> 'organization' = organization::text and d.attempts >= d.max_attempts
            and d.locked_at is null and d.updated_at < before
          limit most);
    when 'end' then
      insert into chaperone.retention_states as s (organization_id, kept_from) values (organization, before)
        on conflict (organization_id) do update set kept_from = excluded.kept_from, updated_at = now()
        where s.kept_from is distinct from excluded.kept_from;
      return 0;
    else
      -- The calls of jobs go when no job needs them (delete_past_rows).
      select t.name, t.at into place
        from (values
          ('ratings', 'rated_at'), ('rating_history', 'rated_at'), ('session_usage', 'last_request_at'),
          ('session_costs', 'occurred_at'), ('session_turns', 'closed_at'), ('guardrail_blocks', 'started_at'),
          ('feedback', 'created_at'), ('conversation_analyses', 'completed_at'), ('analysis_results', 'created_at'),
          ('text_batches', 'created_at'), ('anonymizations', 'updated_at'), ('webhook_deliveries', 'ended_at')
        ) t (name, at)
        where t.name = what;
      if not found then
        raise exception 'nothing of this name is removed' using errcode = 'invalid_parameter_value';
      end if;
      execute format(
        'delete from chaperone.%1$I t where t.ctid = any (array(
           select p.ctid from chaperone.%1$I p where p.organization_id = $1 and p.%2$I < $2 limit $3))',
        place.name, place.at) using organization, before, most;
  end case;
  if what not in ('conversations', 'support_conversations', 'review_items', 'sessions') then
    get diagnostics gone = row_count;
  end if;
  perform chaperone.note_retention(organization, what, gone);
  return gone;
end
$$;
revoke all on function chaperone.delete_past_records(uuid, text, integer) from public;
grant execute on function chaperone.delete_past_records(uuid, text, integer) to chaperone_worker;

-- How many items of each organization people are to review, and for how many seconds the oldest has waited: for the metrics
-- of workers.
create or replace function chaperone.review_depths()
  returns table (organization text, queued integer, in_review integer, oldest_seconds double precision)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select o.name, (count(*) filter (where i.claimed_until is null or i.claimed_until <= clock_timestamp()))::integer,
    (count(*) filter (where i.claimed_until > clock_timestamp()))::integer,
    extract(epoch from clock_timestamp() - min(i.created_at))::float8
  from chaperone.review_items i
    join chaperone.organizations o on o.organization_id = i.organization_id
  where i.status = 'queued' and o.deleted_at is null
  group by o.name
$$;
revoke all on function chaperone.review_depths() from public;
grant execute on function chaperone.review_depths() to chaperone_worker;
