-- Articles that files state: which one, and a keyed digest of what it said when the article was written. Only the operator
-- writes them, so it grants nothing.
alter table chaperone.knowledge_articles
  add column resource text check (length(resource) <= 600),
  add column source_digest bytea;
create unique index knowledge_articles_resource on chaperone.knowledge_articles (organization_id, resource)
  where resource is not null;


-- Copied from database/functions by `npm run generate`: edit those.

-- Deletes an article of the session's own organization, with its versions, its passages, and those of their vectors that no
-- other article has. Not one that a file states.
create or replace function chaperone.delete_article(article text) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  perform chaperone.delete_article_of(a.organization_id, a.article_id)
  from chaperone.knowledge_articles a
  where a.organization_id = (select chaperone.current_organization_id()) and a.article_id = article and a.resource is null;
end
$$;
revoke all on function chaperone.delete_article(text) from public;
grant execute on function chaperone.delete_article(text) to chaperone_tenant;

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

-- Takes an article of the session's own organization out of the index. A function, since tenants delete no rows themselves.
create or replace function chaperone.remove_passages(article text) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  perform chaperone.remove_passages_of(chaperone.current_organization_id(), article);
end
$$;
revoke all on function chaperone.remove_passages(text) from public;
grant execute on function chaperone.remove_passages(text) to chaperone_tenant;

-- Takes an article out of the index.
create or replace function chaperone.remove_passages_of(organization uuid, article text) returns void
  language sql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  delete from chaperone.knowledge_passages where organization_id = organization and article_id = article
$$;
revoke all on function chaperone.remove_passages_of(uuid, text) from public;
