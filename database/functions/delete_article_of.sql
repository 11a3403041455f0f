-- Deletes an article, with its versions, its passages, and those of their vectors that no other article has.
create or replace function chaperone.delete_article_of(organization uuid, article text) returns void
  language sql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  delete from chaperone.knowledge_articles where organization_id = organization and article_id = article;
  delete from chaperone.knowledge_versions where organization_id = organization and article_id = article;
  with gone as (
    delete from chaperone.knowledge_passages where organization_id = organization and article_id = article
    returning text_digest
  )
  delete from chaperone.knowledge_vectors v using gone g
  where v.organization_id = organization and v.text_digest = g.text_digest
    and not exists (
      select from chaperone.knowledge_passages p
      where p.organization_id = organization and p.text_digest = v.text_digest and p.article_id <> article)
$$;
revoke all on function chaperone.delete_article_of(uuid, text) from public;
