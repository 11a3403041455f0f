-- Identifies an erased user without keeping the id.
create or replace function chaperone.user_digest(organization uuid, user_id uuid) returns bytea
  language sql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select sha256(uuid_send(organization) || uuid_send(user_id))
$$;
revoke all on function chaperone.user_digest(uuid, uuid) from public;
grant execute on function chaperone.user_digest(uuid, uuid) to chaperone_tenant;
