-- The anonymous user that replaces a user in something from this time; null where the user was not erased after it.
create or replace function chaperone.late_stranger(organization uuid, user_id uuid, at timestamptz) returns uuid
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select e.stranger
  from chaperone.erased_users e
  where e.organization_id = organization and e.user_digest = chaperone.user_digest(organization, user_id)
    and e.erased_at > at
$$;
revoke all on function chaperone.late_stranger(uuid, uuid, timestamptz) from public;
