-- Finds the passages of the session's own organization that say most of what a question asks for, the best first. It runs
-- as the owner, since PostgreSQL uses no index on words for a reader whose rows a policy filters.
--
-- Each language of the articles reads the question by its own rules. A word counts by how rare it is in the passages (BM25's
-- inverse document frequency) and by where it is in a passage; one that no article has counts half, as those that differ
-- from it by one letter. Candidates are the passages with the rarest words, as far as those are in at most 500 passages,
-- those that have the two rarest, and those that have all of the words: to fetch and rank a passage takes some 10
-- microseconds, and more candidates bring those with frequent words. `is true` keeps the planner from reading all rows of the
-- organization by their key.
create or replace function chaperone.search_passages(question text, wanted integer)
  returns table (article_id text, number integer, score double precision)
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '2s'
  set jit = off
  set plan_cache_mode = force_generic_plan
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
        && concat_ws(' | ', string_agg(w.quoted, ' | ') filter (where w.candidates <= 500),
          string_agg(w.quoted, ' & ') filter (where w.n <= 2), string_agg(w.quoted, ' & '))::tsquery as query
    from weighed w
    group by w.language
  ), candidates as materialized (
    select p.article_id, p.number, p.language, p.words
    from sought s
      cross join lateral (
        select p.article_id, p.number, p.language, p.words
        from chaperone.knowledge_passages p
        where p.words @@ s.query and (p.organization_id = organization and p.language = s.language) is true
        limit 1000
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
