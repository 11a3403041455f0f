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
