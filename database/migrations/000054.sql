-- The articles of an organization's knowledge base. Their texts are sealed, in their versions; what is listed and searched
-- by is in clear.
create table chaperone.knowledge_articles (
  organization_id uuid not null,
  article_id text not null check (length(article_id) <= 64),
  -- The latest one.
  version integer not null check (version > 0),
  status text not null check (status in ('draft', 'published')),
  language text not null check (language ~ '^[a-z]{2}$'),
  category text check (length(category) <= 200),
  tags text[] not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, article_id)
);
create index knowledge_articles_updated on chaperone.knowledge_articles (organization_id, updated_at);
alter table chaperone.knowledge_articles enable row level security;
create policy tenant on chaperone.knowledge_articles to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.knowledge_articles to chaperone_tenant;
grant update (version, status, language, category, tags, updated_at) on chaperone.knowledge_articles to chaperone_tenant;

create table chaperone.knowledge_versions (
  organization_id uuid not null,
  article_id text not null check (length(article_id) <= 64),
  version integer not null check (version > 0),
  -- JSON: the whole article as it was.
  article_encrypted bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (organization_id, article_id, version)
);
alter table chaperone.knowledge_versions enable row level security;
create policy tenant on chaperone.knowledge_versions to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.knowledge_versions to chaperone_tenant;

-- The parts of published articles that a search finds.
create table chaperone.knowledge_passages (
  organization_id uuid not null,
  article_id text not null check (length(article_id) <= 64),
  -- From 0, in the order of the text.
  number integer not null check (number >= 0),
  -- Of the article.
  version integer not null check (version > 0),
  language text not null check (language ~ '^[a-z]{2}$'),
  -- Where it is in the content, in UTF-16 units.
  starts_at integer not null,
  ends_at integer not null,
  -- Its words, those of its headings and of the title, and one that names organization and language.
  words tsvector not null,
  primary key (organization_id, article_id, number)
);
-- Without a list of pending entries, which every search would read.
create index knowledge_passages_words on chaperone.knowledge_passages using gin (words) with (fastupdate = off);
alter table chaperone.knowledge_passages enable row level security;
create policy tenant on chaperone.knowledge_passages to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.knowledge_passages to chaperone_tenant;

-- The words of all passages: in how many a word is says how much it tells. The row without language and word counts the
-- passages. Only the trigger below writes it.
create table chaperone.knowledge_terms (
  organization_id uuid not null,
  language text not null,
  term text not null,
  passages integer not null,
  -- The word, and the word without any one of its letters: words with a typo are found by them.
  variants text[] not null,
  primary key (organization_id, language, term)
) with (fillfactor = 80);
create index knowledge_terms_variants on chaperone.knowledge_terms using gin (variants) with (fastupdate = off);
alter table chaperone.knowledge_terms enable row level security;
create policy tenant on chaperone.knowledge_terms to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.knowledge_terms to chaperone_tenant;

-- Replaced below, where what it calls exists.
create function chaperone.count_terms() returns trigger language plpgsql as 'begin return null; end';
create trigger count_added_terms after insert on chaperone.knowledge_passages
  referencing new table as changed for each statement execute function chaperone.count_terms();
create trigger count_removed_terms after delete on chaperone.knowledge_passages
  referencing old table as changed for each statement execute function chaperone.count_terms();

-- Copied from database/functions by `npm run generate`: edit those.

-- Keeps the counts of words what the passages say. The first row that it changes is the same for all of an organization's
-- articles, so two changes wait for each other there, and nowhere else.
create or replace function chaperone.count_terms() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  if tg_op = 'INSERT' then
    insert into chaperone.knowledge_terms as t (organization_id, language, term, passages, variants)
      select c.organization_id, '', '', count(*), '{}' from changed c group by c.organization_id
      on conflict (organization_id, language, term) do update set passages = t.passages + excluded.passages;
    insert into chaperone.knowledge_terms as t (organization_id, language, term, passages, variants)
      select c.organization_id, c.language, w.lexeme, count(*), chaperone.term_variants(w.lexeme)
      from changed c cross join lateral unnest(c.words) w
      where w.lexeme <> chaperone.passage_scope(c.organization_id, c.language)
      group by c.organization_id, c.language, w.lexeme
      on conflict (organization_id, language, term) do update set passages = t.passages + excluded.passages;
  else
    update chaperone.knowledge_terms t set passages = t.passages - c.passages
      from (select g.organization_id, count(*) as passages from changed g group by g.organization_id) c
      where t.organization_id = c.organization_id and t.language = '' and t.term = '';
    with gone as (
      select c.organization_id, c.language, w.lexeme as term, count(*) as passages
      from changed c cross join lateral unnest(c.words) w
      where w.lexeme <> chaperone.passage_scope(c.organization_id, c.language)
      group by c.organization_id, c.language, w.lexeme
    ), ended as (
      delete from chaperone.knowledge_terms t using gone g
      where t.organization_id = g.organization_id and t.language = g.language and t.term = g.term
        and t.passages <= g.passages
    )
    update chaperone.knowledge_terms t set passages = t.passages - g.passages
      from gone g
      where t.organization_id = g.organization_id and t.language = g.language and t.term = g.term
        and t.passages > g.passages;
  end if;
  return null;
end
$$;
revoke all on function chaperone.count_terms() from public;

-- Deletes an article of the session's own organization, with its versions and passages.
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
  delete from chaperone.knowledge_passages
    where organization_id = (select chaperone.current_organization_id()) and article_id = article
$$;
revoke all on function chaperone.delete_article(text) from public;
grant execute on function chaperone.delete_article(text) to chaperone_tenant;

-- The word that all passages of an organization in a language have, and no other: so a search reads no entries of others.
create or replace function chaperone.passage_scope(organization uuid, language text) returns text
  language sql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select organization::text || ' ' || language
$$;
revoke all on function chaperone.passage_scope(uuid, text) from public;
grant execute on function chaperone.passage_scope(uuid, text) to chaperone_tenant;

-- Takes an article of the session's own organization out of the index. A function, since tenants delete no rows themselves.
create or replace function chaperone.remove_passages(article text) returns void
  language sql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
  delete from chaperone.knowledge_passages
    where organization_id = (select chaperone.current_organization_id()) and article_id = article
$$;
revoke all on function chaperone.remove_passages(text) from public;
grant execute on function chaperone.remove_passages(text) to chaperone_tenant;

-- Finds the passages of the session's own organization that say most of what a question asks for, the best first. It runs
-- as the owner, since PostgreSQL uses no index on words for a reader whose rows a policy filters.
--
-- Each language of the articles reads the question by its own rules. A word counts by how rare it is in the passages (BM25's
-- inverse document frequency) and by where it is in a passage; one that no article has counts half, as those that differ
-- from it by one letter. Candidates are the passages with the rarest words, as far as those are in at most 5,000 passages,
-- and those that have all of the words. `is true` keeps the planner from reading all rows of the organization by their key.
create or replace function chaperone.search_passages(question text, wanted integer)
  returns table (article_id text, number integer, score double precision)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '2s'
  set jit = off
  set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  organization uuid := chaperone.current_organization_id();
begin
  return query
  with recursive spoken as (
    (select t.language from chaperone.knowledge_terms t
      where t.organization_id = organization and t.language > '' order by t.language limit 1)
    union all
    select (select t.language from chaperone.knowledge_terms t
      where t.organization_id = organization and t.language > s.language order by t.language limit 1)
    from spoken s where s.language is not null
  ), asked as materialized (
    select s.language, w.lexeme as term, place
    from spoken s
      cross join lateral unnest(to_tsvector(chaperone.text_search_language(s.language), question)) w
      cross join lateral unnest(w.positions) place
    where s.language is not null
  ), known as materialized (
    select a.language, a.term, a.place, t.passages
    from asked a
      cross join lateral (
        select t.passages
        from chaperone.knowledge_terms t
        where t.organization_id = organization and t.language = a.language and t.term = a.term
        limit 1
      ) t
  ), unknown as materialized (
    select distinct a.language, a.term, chaperone.term_variants(a.term) as variants
    from asked a
    where a.place not in (select k.place from known k)
  ), guessed as materialized (
    select u.language, t.term, t.passages
    from unknown u
      cross join lateral (
        select t.term, t.passages
        from chaperone.knowledge_terms t
        where t.variants && u.variants and (t.organization_id = organization and t.language = u.language) is true
        order by t.passages desc, t.term
        limit 3
      ) t
  ), told as (
    select language, term, passages, 1.0 as certainty from known
    union
    select language, term, passages, 0.5 from guessed
  ), weighed as materialized (
    select t.language, t.term, max(t.certainty) * ln(1 + (total.passages - t.passages + 0.5) / (t.passages + 0.5)) as weight,
      '''' || replace(replace(t.term, '\', '\\'), '''', '''''') || '''' as quoted,
      row_number() over rarest as n, sum(t.passages) over rarest as candidates
    from told t
      join chaperone.knowledge_terms total
        on total.organization_id = organization and total.language = '' and total.term = ''
    group by t.language, t.term, t.passages, total.passages
    window rarest as (partition by t.language order by t.passages, t.term)
  ), sought as materialized (
    select w.language,
      ('''' || chaperone.passage_scope(organization, w.language) || '''')::tsquery
        && ((string_agg(w.quoted, ' | ') filter (where w.n = 1 or w.candidates <= 5000))::tsquery
          || string_agg(w.quoted, ' & ')::tsquery) as query
    from weighed w
    group by w.language
  ), candidates as materialized (
    select p.article_id, p.number, p.language, p.words
    from sought s
      cross join lateral (
        select p.article_id, p.number, p.language, p.words
        from chaperone.knowledge_passages p
        where p.words @@ s.query and (p.organization_id = organization and p.language = s.language) is true
        limit 6000
      ) p
  )
  select c.article_id, c.number, sum(w.weight * ts_rank('{0.3, 0.4, 0.6, 1}', c.words, w.quoted::tsquery))::double precision
  from candidates c join weighed w on w.language = c.language
  group by c.article_id, c.number
  order by 3 desc, 1, 2
  limit wanted;
end
$$;
revoke all on function chaperone.search_passages(text, integer) from public;
grant execute on function chaperone.search_passages(text, integer) to chaperone_tenant;

-- A word, and the word without any one of its letters. Two words that share a variant differ by at most one letter that is
-- wrong, missing, too many or in its neighbour's place.
create or replace function chaperone.term_variants(term text) returns text[]
  language sql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when length(term) between 4 and 30 then array(
      select term
      union
      select overlay(term placing '' from letter for 1) from generate_series(1, length(term)) letter
    )
    else '{}'
  end
$$;
revoke all on function chaperone.term_variants(text) from public;

-- The text search configuration of a language (ISO 639-1). Of languages that PostgreSQL has no stemmer for, words are
-- taken as they are.
create or replace function chaperone.text_search_language(language text) returns regconfig
  language sql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case language
    when 'ar' then 'pg_catalog.arabic'::regconfig
    when 'da' then 'pg_catalog.danish'::regconfig
    when 'de' then 'pg_catalog.german'::regconfig
    when 'en' then 'pg_catalog.english'::regconfig
    when 'es' then 'pg_catalog.spanish'::regconfig
    when 'fi' then 'pg_catalog.finnish'::regconfig
    when 'fr' then 'pg_catalog.french'::regconfig
    when 'ga' then 'pg_catalog.irish'::regconfig
    when 'hu' then 'pg_catalog.hungarian'::regconfig
    when 'id' then 'pg_catalog.indonesian'::regconfig
    when 'it' then 'pg_catalog.italian'::regconfig
    when 'lt' then 'pg_catalog.lithuanian'::regconfig
    when 'ne' then 'pg_catalog.nepali'::regconfig
    when 'nl' then 'pg_catalog.dutch'::regconfig
    when 'no' then 'pg_catalog.norwegian'::regconfig
    when 'pt' then 'pg_catalog.portuguese'::regconfig
    when 'ro' then 'pg_catalog.romanian'::regconfig
    when 'ru' then 'pg_catalog.russian'::regconfig
    when 'sv' then 'pg_catalog.swedish'::regconfig
    when 'ta' then 'pg_catalog.tamil'::regconfig
    when 'tr' then 'pg_catalog.turkish'::regconfig
    else 'pg_catalog.simple'::regconfig
  end
$$;
revoke all on function chaperone.text_search_language(text) from public;
grant execute on function chaperone.text_search_language(text) to chaperone_tenant;
