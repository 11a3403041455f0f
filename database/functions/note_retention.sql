-- Adds to what retention has removed of an organization.
create or replace function chaperone.note_retention(organization uuid, what text, gone bigint) returns void
  language sql
  set search_path = pg_catalog, pg_temp
as $$
  insert into chaperone.retention_states as s (organization_id, removed)
  select organization, jsonb_build_object(what, gone)
  where gone > 0
  on conflict (organization_id) do update
    set removed = s.removed || jsonb_build_object(what, coalesce((s.removed ->> what)::bigint, 0) + gone), updated_at = now()
$$;
revoke all on function chaperone.note_retention(uuid, text, bigint) from public;
