-- What the API makes lives beside what YAML owns: tenants may write personas and users, and of personas only those
-- without a resource.

create policy api_made on chaperone.personas as restrictive for update to chaperone_tenant
  using (resource is null) with check (resource is null);
-- No grant names resource, so that a tenant's own rows have none.
grant insert (organization_id, persona_id, name, description, content_encrypted, users, model, parameters, is_active)
  on chaperone.personas to chaperone_tenant;
grant update (name, description, content_encrypted, users, model, parameters, is_active, updated_at, deleted_at)
  on chaperone.personas to chaperone_tenant;

alter table chaperone.users
  add column display_name text,
  -- Null until a user is changed: most are made by their first call, which no proxy needs to hear of.
  add column config_version bigint,
  add column updated_at timestamptz not null default now();
create index users_config_version on chaperone.users (organization_id, config_version) where config_version is not null;
create trigger stamp_config_version before update of is_active, user_id on chaperone.users
  for each row execute function chaperone.stamp_config_version();
grant update (display_name, is_active, updated_at) on chaperone.users to chaperone_tenant;

-- Takes a person out of the organization's records: contents and feedback go, and what stays names somebody unknown.
-- The id of a user follows from the external id, so whoever knows that could still find the rows: they get another.
create function chaperone.erase_user(erased uuid) returns uuid
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := chaperone.current_organization_id();
  stranger uuid := gen_random_uuid();
  place record;
begin
  perform from chaperone.users u where u.organization_id = organization and u.user_id = erased for update;
  if not found then
    return null;
  end if;
  delete from chaperone.request_contents c
    using chaperone.requests r
    where r.organization_id = organization and r.user_id = erased
      and c.organization_id = organization and c.started_at = r.started_at and c.request_id = r.request_id;
  update chaperone.ratings set feedback = null where organization_id = organization and rated_by = erased;
  update chaperone.rating_history set feedback = null where organization_id = organization and rated_by = erased;
  -- Sessions are named by their clients, so their names go, too.
  update chaperone.requests r set session_id = 'erased-' || md5(r.session_id || stranger)
    where r.organization_id = organization and r.user_id = erased;
  update chaperone.sessions s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.users set external_id = 'erased-' || stranger, display_name = null, is_active = false, updated_at = now()
    where organization_id = organization and user_id = erased;
  for place in
    select c.oid::regclass as owner, a.attname as name
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname in ('user_id', 'rated_by') and not a.attisdropped
    where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  loop
    execute format('update %s set %I = $1 where organization_id = $2 and %I = $3', place.owner, place.name, place.name)
      using stranger, organization, erased;
  end loop;
  return stranger;
end
$$;
revoke all on function chaperone.erase_user(uuid) from public;
grant execute on function chaperone.erase_user(uuid) to chaperone_tenant;
