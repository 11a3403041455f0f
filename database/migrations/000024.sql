-- Deleted configuration named users, and nobody could edit it.
update chaperone.api_keys set user_external_id = null where deleted_at is not null and user_external_id is not null;
update chaperone.personas set users = '{}' where deleted_at is not null and users <> '{}';

-- Erasures left the turn ids, which clients name.
do $$ begin
  update chaperone.requests r set turn_id = null
  from chaperone.users u
  where u.external_id = 'erased-' || u.user_id and r.organization_id = u.organization_id and r.user_id = u.user_id
    and r.turn_id is not null;
exception when check_violation then
  -- A record from before there were bounds. That must not stop the upgrade.
  raise warning 'Records of erased users keep their turn ids. Erase users whose user_id begins with erased- once more, by their id.';
end $$;

-- Copied from database/functions by `npm run generate`: edit those.

-- The record of a call as the anonymous user's: without the names, contents and attributes of the person.
create or replace function chaperone.anonymous_record(record json, stranger uuid) returns json
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select (record::jsonb || jsonb_build_object('user_id', stranger, 'user_external_id', null,
    'session_id', 'erased-' || md5((record ->> 'session_id') || stranger), 'turn_id', null, 'input_sealed', null,
    'output_sealed', null, 'client_name', null, 'client_version', null, 'safety_identifier', null,
    'end_user', null))::json
$$;
revoke all on function chaperone.anonymous_record(json, uuid) from public;

-- Erases a person from the organization's records: it deletes contents, feedback and names, and puts a new anonymous user
-- in the person's place. The id changes too, because anyone who knows the external id can compute it. Returns the new id;
-- null where there is no such user. Call `note_erasure` first.
create or replace function chaperone.erase_user(erased uuid) returns uuid
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '60s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
  stranger uuid := gen_random_uuid();
  external_name text;
  place record;
begin
  select u.external_id into external_name
    from chaperone.users u where u.organization_id = organization and u.user_id = erased for update;
  if not found then
    return null;
  end if;
  -- A fold under way still adds to the sums of the user.
  insert into chaperone.fold_turns (organization_id) values (organization) on conflict do nothing;
  perform from chaperone.fold_turns where organization_id = organization for update;
  delete from chaperone.request_contents c
    using chaperone.requests r
    where r.organization_id = organization and r.user_id = erased
      and c.organization_id = organization and c.started_at = r.started_at and c.request_id = r.request_id;
  -- Of a call that goes on, what is known so far becomes its record. Without the input its output is not kept either.
  update chaperone.pending_calls p
    set record = chaperone.anonymous_record(p.record, stranger)
    where p.organization_id = organization and p.record ->> 'user_id' = erased::text;
  delete from chaperone.analysis_results where organization_id = organization and user_id = erased;
  update chaperone.ratings set feedback = null where organization_id = organization and rated_by = erased;
  update chaperone.rating_history set feedback = null where organization_id = organization and rated_by = erased;
  -- Clients name sessions and turns, so those names go, too.
  update chaperone.requests r
    set session_id = 'erased-' || md5(r.session_id || stranger), turn_id = null, client_name = null,
        client_version = null, safety_identifier = null, end_user = null
    where r.organization_id = organization and r.user_id = erased;
  -- Calls of somebody else's in which the person is named.
  update chaperone.requests r set safety_identifier = null
    where r.organization_id = organization and r.safety_identifier = external_name;
  update chaperone.requests r set end_user = null
    where r.organization_id = organization and r.end_user = external_name;
  update chaperone.pending_calls p
    set record = (p.record::jsonb || jsonb_build_object('safety_identifier', nullif(p.record ->> 'safety_identifier', external_name),
      'end_user', nullif(p.record ->> 'end_user', external_name)))::json
    where p.organization_id = organization and external_name in (p.record ->> 'safety_identifier', p.record ->> 'end_user');
  update chaperone.sessions s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_facets s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_usage s set session_id = 'erased-' || md5(s.session_id || stranger)
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
  -- Nobody can edit deleted configuration. These updates come last, because they lock the organization's configuration.
  update chaperone.api_keys k set user_external_id = null
    where k.organization_id = organization and k.deleted_at is not null and k.user_external_id = external_name;
  update chaperone.personas p set users = array_remove(p.users, external_name)
    where p.organization_id = organization and p.deleted_at is not null and external_name = any (p.users);
  return stranger;
end
$$;
revoke all on function chaperone.erase_user(uuid) from public;
grant execute on function chaperone.erase_user(uuid) to chaperone_tenant;

-- Erases what arrives one row at a time about a user who was erased meanwhile.
create or replace function chaperone.forget_late() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
declare
  stranger uuid;
begin
  case tg_table_name
    when 'pending_calls' then
      stranger := chaperone.late_stranger(new.organization_id, (new.record ->> 'user_id')::uuid, new.started_at);
      if stranger is not null then
        new.record := chaperone.anonymous_record(new.record, stranger);
      end if;
    when 'analysis_results' then
      -- One that was being made meanwhile. What is not kept is only made again.
      if chaperone.late_stranger(new.organization_id, new.user_id, now() - interval '1 hour') is not null then
        return null;
      end if;
    when 'owned_resources' then
      stranger := chaperone.late_stranger(new.organization_id, new.user_id, new.created_at);
      new.user_id := coalesce(stranger, new.user_id);
    else
      stranger := chaperone.late_stranger(new.organization_id, new.rated_by, new.rated_at);
      if stranger is not null then
        new.rated_by := stranger;
        new.feedback := null;
      end if;
      if tg_table_name = 'ratings' then
        new.user_id := coalesce(chaperone.late_stranger(new.organization_id, new.user_id, new.rated_at), new.user_id);
      end if;
  end case;
  return new;
end
$$;
revoke all on function chaperone.forget_late() from public;

-- Notes which records are new, for the next fold. Erases those of users who were erased after the call. The notes of one
-- insert are split, because one step of a fold takes some thousand records.
create or replace function chaperone.note_usage() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  late record;
begin
  insert into chaperone.unfolded_usage (organization_id, started_at, request_id)
  select organization_id, array_agg(started_at), array_agg(request_id)
  from (select *, (row_number() over ()) / 2000 as part from made) m
  group by organization_id, part;
  -- Hardly ever: nothing else is looked at for those who were erased.
  if not exists (
    select
    from (select organization_id, min(started_at) as started_at from made group by organization_id) m
      join chaperone.erased_users e on e.organization_id = m.organization_id and e.erased_at > m.started_at
  ) then
    return null;
  end if;
  for late in
    select m.organization_id, e.stranger, array_agg(m.started_at) as started_at, array_agg(m.request_id) as request_id
    from made m
      join chaperone.erased_users e
        on e.organization_id = m.organization_id and e.erased_at > m.started_at
          and e.user_digest = chaperone.user_digest(m.organization_id, m.user_id)
    group by m.organization_id, e.stranger
  loop
    delete from chaperone.request_contents c
      using unnest(late.started_at, late.request_id) as l (started_at, request_id)
      where c.organization_id = late.organization_id and c.started_at = l.started_at and c.request_id = l.request_id;
    update chaperone.requests r
      set user_id = late.stranger, session_id = 'erased-' || md5(r.session_id || late.stranger), turn_id = null,
          client_name = null, client_version = null, safety_identifier = null, end_user = null
      from unnest(late.started_at, late.request_id) as l (started_at, request_id)
      where r.organization_id = late.organization_id and r.started_at = l.started_at and r.request_id = l.request_id;
    insert into chaperone.users (organization_id, user_id, external_id, is_active)
      values (late.organization_id, late.stranger, 'erased-' || late.stranger, false)
      on conflict do nothing;
  end loop;
  return null;
end
$$;
revoke all on function chaperone.note_usage() from public;
