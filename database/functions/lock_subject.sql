-- Waits until no other transaction emits an event about a subject, or ends a delivery about it.
create or replace function chaperone.lock_subject(organization uuid, subject text) returns void
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  select pg_advisory_xact_lock(hashtextextended(format('%s/%s', organization, subject), 0))
$$;
revoke all on function chaperone.lock_subject(uuid, text) from public;
grant execute on function chaperone.lock_subject(uuid, text) to chaperone_tenant;
