-- Vectors of passages, beside their words.
alter table chaperone.knowledge_passages
  -- A keyed digest of what its vector is made of. Null: it was indexed before there were any.
  add column text_digest bytea check (length(text_digest) = 16),
  -- Whether its words are in the column `words`, by the Organization's `storage.searchable`.
  add column has_words boolean not null default true;
create index knowledge_passages_digest on chaperone.knowledge_passages (organization_id, text_digest);

-- Vectors by what they are of, so that a text which stays the same is never asked about again. They are sealed, since a
-- vector tells much of its text.
create table chaperone.knowledge_vectors (
  organization_id uuid not null,
  -- The model and its dimensions: only vectors of one space can be compared.
  space text not null check (length(space) <= 300),
  text_digest bytea not null check (length(text_digest) = 16),
  -- The order in which vectors of the space were stored: by it, proxies read what is new.
  revision bigint not null,
  -- The signs of its numbers, one bit each. Both are null where the provider refuses the text.
  sketch_encrypted bytea,
  vector_encrypted bytea,
  primary key (organization_id, space, text_digest)
);
create index knowledge_vectors_revision on chaperone.knowledge_vectors (organization_id, space, revision, text_digest);
alter table chaperone.knowledge_vectors enable row level security;
create policy tenant on chaperone.knowledge_vectors to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.knowledge_vectors to chaperone_tenant;

create table chaperone.knowledge_spaces (
  organization_id uuid not null,
  space text not null check (length(space) <= 300),
  -- Of its last vectors.
  revision bigint not null,
  -- The job that makes vectors now, and until when no other one may.
  job_id bigint,
  held_until timestamptz,
  primary key (organization_id, space)
);
alter table chaperone.knowledge_spaces enable row level security;
create policy tenant on chaperone.knowledge_spaces to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.knowledge_spaces to chaperone_tenant;
grant update (revision, job_id, held_until) on chaperone.knowledge_spaces to chaperone_tenant;

-- Copied from database/functions by `npm run generate`: edit those.

-- Deletes an article of the session's own organization, with its versions, its passages, and those of their vectors that no
-- other article has.
create or replace function chaperone.delete_article(article text) returns void
  language sql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
  delete from chaperone.knowledge_articles
    where organization_id = (select chaperone.current_organization_id()) and article_id = article;
  delete from chaperone.knowledge_versions
    where organization_id = (select chaperone.current_organization_id()) and article_id = article;
  with gone as (
    delete from chaperone.knowledge_passages
    where organization_id = (select chaperone.current_organization_id()) and article_id = article
    returning text_digest
  )
  delete from chaperone.knowledge_vectors v using gone g
  where v.organization_id = (select chaperone.current_organization_id()) and v.text_digest = g.text_digest
    and not exists (
      select from chaperone.knowledge_passages p
      where p.organization_id = v.organization_id and p.text_digest = v.text_digest and p.article_id <> article)
$$;
revoke all on function chaperone.delete_article(text) from public;
grant execute on function chaperone.delete_article(text) to chaperone_tenant;

-- Deletes what no longer counts, of all organizations: a chore of workers. Returns how many rows went.
create or replace function chaperone.delete_past_rows(chore text) returns bigint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  gone bigint;
begin
  case chore
    when 'analysis results' then
      delete from chaperone.analysis_results r
        using chaperone.organizations o
        where o.organization_id = r.organization_id
          and r.created_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'conversation analyses' then
      delete from chaperone.conversation_analyses a
        using chaperone.organizations o
        where o.organization_id = a.organization_id
          and a.completed_at <= now() - coalesce(o.spec -> 'storage' ->> 'analysisLifetime', '720h')::interval;
    when 'answers' then
      with sizes as materialized (
        select c.organization_id, o.spec -> 'cache' is null as is_off
        from chaperone.cached_bytes c
          left join chaperone.organizations o on o.organization_id = c.organization_id
        for update of c skip locked
      ), gone as (
        delete from chaperone.cached_answers a using sizes s
        where a.organization_id = s.organization_id and (s.is_off or a.expires_at <= now())
        returning a.organization_id, a.bytes
      ), corrected as (
        update chaperone.cached_bytes c set bytes = c.bytes - g.bytes
        from (select organization_id, sum(bytes) as bytes from gone group by organization_id) g
        where g.organization_id = c.organization_id
      )
      select count(*) into gone from gone;
      return gone;
    when 'revocations' then
      delete from chaperone.revocations where expires_at < now();
    when 'counters' then
      with past as (
        delete from chaperone.quota_counters c
        where c.window_end < now() - interval '3 days'
          or (c.window_end = 'infinity' and (c.unit = 'concurrent' or c.per = 'Session')
            and not exists (
              select from chaperone.quota_leases l
              where l.organization_id = c.organization_id and l.counter_id = c.counter_id
                -- A session without a call for 90 days.
                and l.expires_at > now() - case when c.unit = 'concurrent' then 1 else 90 end * interval '1 day')
            and chaperone.quota_pending(c.organization_id, c.counter_id) = 0)
        returning organization_id, counter_id
      )
      delete from chaperone.quota_leases l using past p
      where l.organization_id = p.organization_id and l.counter_id = p.counter_id;
      delete from chaperone.quota_leases l
        where l.expires_at < now() - interval '3 days'
          and not exists (
            select from chaperone.quota_counters c
            where c.organization_id = l.organization_id and c.counter_id = l.counter_id);
    when 'warnings' then
      -- Older than every window which the calendar has, but not those of counters that still count.
      delete from chaperone.budget_warnings w
        where warned_at < now() - interval '40 days'
          and not exists (
            select from chaperone.quota_counters c
            where c.organization_id = w.organization_id and c.counter_id = w.counter_id);
    when 'pauses' then
      delete from chaperone.provider_pauses
        where ends_at < now() - case scope when 'model' then interval '1 minute' else interval '1 hour' end;
    when 'deliveries' then
      perform chaperone.prune_webhooks('30 days');
    when 'vectors' then
      -- Of texts that no article has any more, and of a model that the Organization no longer names.
      delete from chaperone.knowledge_vectors v
        using chaperone.organizations o
        where o.organization_id = v.organization_id
          and (chaperone.embedding_space(o.spec) is distinct from v.space
            or not exists (
              select from chaperone.knowledge_passages p
              where p.organization_id = v.organization_id and p.text_digest = v.text_digest));
    when 'calls of jobs' then
      -- An attempt looks for the calls of those before it, and a dead letter may be tried again.
      delete from chaperone.job_calls c
        where c.created_at < now() - interval '1 day'
          and not exists (select from graphile_worker._private_jobs j where j.id = c.job_id)
          -- By them, an erasure finds what a model was told for an analysis.
          and not exists (
            select from chaperone.conversation_analyses a
            where a.organization_id = c.organization_id and a.job_id = c.job_id);
    else
      raise exception 'there is no such chore' using errcode = 'invalid_parameter_value';
  end case;
  get diagnostics gone = row_count;
  return gone;
end
$$;
revoke all on function chaperone.delete_past_rows(text) from public;
grant execute on function chaperone.delete_past_rows(text) to chaperone_worker;

-- Names the vectors that an Organization uses: null where it uses none. knowledge/settings.ts says the same.
create or replace function chaperone.embedding_space(spec jsonb) returns text
  language sql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select (spec -> 'knowledgeBase' -> 'embedding' ->> 'model')
    || coalesce('@' || (spec -> 'knowledgeBase' -> 'embedding' ->> 'dimensions'), '')
$$;
revoke all on function chaperone.embedding_space(jsonb) from public;
