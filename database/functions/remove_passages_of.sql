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
