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
