-- The time from which on an organization keeps its records: the beginning of a day in UTC, since sums are by day. Null: it
-- keeps all of them.
create or replace function chaperone.kept_from(organization uuid) returns timestamptz
  language sql stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select date_trunc('day', now() - (o.spec -> 'storage' ->> 'retention')::interval, 'UTC')
  from chaperone.organizations o
  where o.organization_id = organization
$$;
revoke all on function chaperone.kept_from(uuid) from public;
