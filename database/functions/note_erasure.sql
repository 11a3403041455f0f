-- Notes that a user is about to be erased. Commit it before `erase_user`, so that every writer sees it. Returns whether
-- there is such a user.
create or replace function chaperone.note_erasure(erased uuid) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if not exists (select from chaperone.users u where u.organization_id = organization and u.user_id = erased) then
    return false;
  end if;
  insert into chaperone.erased_users as e (organization_id, user_digest, stranger, erased_at)
    values (organization, chaperone.user_digest(organization, erased), gen_random_uuid(), clock_timestamp())
    on conflict (organization_id, user_digest) do update set stranger = excluded.stranger, erased_at = excluded.erased_at;
  return true;
end
$$;
revoke all on function chaperone.note_erasure(uuid) from public;
grant execute on function chaperone.note_erasure(uuid) to chaperone_tenant;
