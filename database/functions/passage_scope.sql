-- The word that all passages of an organization in a language have, and no other: so a search reads no entries of others.
create or replace function chaperone.passage_scope(organization uuid, language text) returns text
  language sql immutable strict parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select organization::text || ' ' || language
$$;
revoke all on function chaperone.passage_scope(uuid, text) from public;
grant execute on function chaperone.passage_scope(uuid, text) to chaperone_tenant;
