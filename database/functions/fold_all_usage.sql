-- Adds new records of all organizations to their sums, where their proxies have not: a chore of workers. Returns of how many
-- organizations there were any.
create or replace function chaperone.fold_all_usage() returns integer
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  organization uuid;
  count integer := 0;
begin
  for organization in select distinct u.organization_id from chaperone.unfolded_usage u loop
    perform chaperone.fold_some_usage_of(organization, false, 10);
    count := count + 1;
  end loop;
  return count;
end
$$;
revoke all on function chaperone.fold_all_usage() from public;
grant execute on function chaperone.fold_all_usage() to chaperone_worker;
