-- Analysis: configs that the API makes, and results that are kept.

-- What a tenant makes belongs to no resource: the column is not its to write.
grant insert (organization_id, analysis_config_id, name, description, config_encrypted, is_active)
  on chaperone.analysis_configs to chaperone_tenant;
grant update (name, description, config_encrypted, is_active, updated_at, deleted_at) on chaperone.analysis_configs
  to chaperone_tenant;
-- Beside the policy of the organization, which it narrows: what a resource owns is changed by way of the resource.
create policy api_made on chaperone.analysis_configs as restrictive for update to chaperone_tenant
  using (resource is null) with check (resource is null);

create table chaperone.analysis_results (
  organization_id uuid not null,
  -- A keyed digest of the conversation and the normalised config: without the data key nobody can confirm a guess by it.
  cache_key bytea not null,
  -- Encrypted, since it reasons about what was said.
  result_encrypted bytea not null,
  -- The saved config behind it; null where all of it came with the request.
  analysis_config_id uuid,
  -- The call that was analysed first, and whose it was: what is kept of a call can be found by it.
  request_id text not null,
  user_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, cache_key)
);
create index analysis_results_user_id on chaperone.analysis_results (organization_id, user_id);
create index analysis_results_config_id on chaperone.analysis_results (organization_id, analysis_config_id)
  where analysis_config_id is not null;
alter table chaperone.analysis_results enable row level security;
create policy tenant on chaperone.analysis_results to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()))
  with check (organization_id = (select chaperone.current_organization_id()));
grant select, insert on chaperone.analysis_results to chaperone_tenant;

-- As before, and what was found out about the person goes, too.
create or replace function chaperone.erase_user(erased uuid) returns uuid
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
  delete from chaperone.analysis_results where organization_id = organization and user_id = erased;
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
