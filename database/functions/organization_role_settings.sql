-- The settings of an organization's login. The times are below the 15 s after which a proxy gives up, so that the server
-- ends those statements as well.
create or replace function chaperone.organization_role_settings() returns text[]
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select array['search_path=chaperone', 'statement_timeout=12s', 'lock_timeout=10s', 'idle_in_transaction_session_timeout=30s']
    -- Since PostgreSQL 17.
    || array(select 'transaction_timeout=60s' from pg_settings where name = 'transaction_timeout')
$$;
revoke all on function chaperone.organization_role_settings() from public;
