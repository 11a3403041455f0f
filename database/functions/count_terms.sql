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
