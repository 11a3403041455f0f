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
