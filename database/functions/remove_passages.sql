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
