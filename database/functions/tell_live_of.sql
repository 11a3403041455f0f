-- Tells the proxies of an organization of something that people who watch should see at once. The row of live_numbers is locked
-- until the transaction ends, so numbers become visible in order, and who asks for all above a number misses none. Call it
-- last in a transaction.
create or replace function chaperone.tell_live_of(organization uuid, event text, data jsonb) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  next bigint;
begin
  insert into chaperone.live_numbers as n (organization_id, number) values (organization, 1)
    on conflict (organization_id) do update set number = n.number + 1
    returning n.number into next;
  insert into chaperone.live_events (organization_id, number, event, data) values (organization, next, event, data);
  perform pg_notify('chaperone_' || replace(organization::text, '-', ''), 'live');
end
$$;
revoke all on function chaperone.tell_live_of(uuid, text, jsonb) from public;
