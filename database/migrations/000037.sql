-- The audit log: who changed what, and every refusal with its rule. Each entry's hash covers the one before, so that nobody
-- can change, remove or reorder entries unseen. docs/audit.md says how to verify it without this program.
create table chaperone.audit_log (
  organization_id uuid not null,
  -- Without gaps, from 1.
  seq bigint not null check (seq > 0),
  -- The writer's id of the entry: one that is sent again is not appended again.
  entry_id text not null check (length(entry_id) between 1 and 200),
  -- JSON. The hash covers exactly this text, so there is nothing about the entry beside it.
  entry text not null check (length(entry) <= 1048576),
  -- SHA-256 of the former entry's hash (32 zero bytes before the first) and of the entry in UTF-8.
  hash bytea not null check (length(hash) = 32),
  primary key (organization_id, seq),
  constraint audit_log_entry_id unique (organization_id, entry_id)
);
-- Times are ISO 8601 in UTC, which sorts as text.
create index audit_log_at on chaperone.audit_log (organization_id, (entry::jsonb ->> 'at') collate "C");
alter table chaperone.audit_log enable row level security;
create policy tenant on chaperone.audit_log to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.audit_log to chaperone_tenant;
-- Nobody changes an entry. An owner keeps the right to delete, for organizations that are deleted; keep_audit_log guards it.
revoke update, truncate on chaperone.audit_log from current_user;

-- The head of each organization's chain. Appending locks it, so that any number of writers make one chain.
create table chaperone.audit_chains (
  organization_id uuid primary key,
  seq bigint not null default 0,
  hash bytea not null default decode(repeat('00', 32), 'hex') check (length(hash) = 32),
  appended_at timestamptz not null default now()
);
alter table chaperone.audit_chains enable row level security;
create policy tenant on chaperone.audit_chains to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.audit_chains to chaperone_tenant;

-- Who the pseudonyms in entries are. An erasure deletes the row, and the entries stay as they are.
create table chaperone.audit_people (
  organization_id uuid not null,
  external_id text not null,
  salt bytea not null check (length(salt) = 16),
  -- `person:` and the SHA-256, in hexadecimal digits, of the salt and the external id in UTF-8.
  person text not null,
  primary key (organization_id, external_id),
  constraint audit_people_person unique (organization_id, person)
);
alter table chaperone.audit_people enable row level security;
create policy tenant on chaperone.audit_people to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.audit_people to chaperone_tenant;

-- What the log has of each resource, to tell what its next change changes. People are named by their pseudonyms.
create table chaperone.audit_resources (
  organization_id uuid not null,
  -- Such as Organization/acme, or ApiKeyBinding/team/openai.
  subject text not null,
  uid text not null,
  generation bigint not null,
  -- Of the provider key of a binding.
  fingerprint text,
  -- Raised by each recorded change, so that two operators do not record one change twice.
  revision bigint not null,
  spec json not null,
  primary key (organization_id, subject)
);
alter table chaperone.audit_resources enable row level security;
create policy tenant on chaperone.audit_resources to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));

-- Refuses every change of the audit log but appending, to its owner and to superusers, too. A log goes only with its
-- organization.
create or replace function chaperone.keep_audit_log() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' and not exists (
    select from chaperone.organizations o where o.organization_id = old.organization_id
  ) then
    return old;
  end if;
  raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end
$$;
revoke all on function chaperone.keep_audit_log() from public;
create trigger keep_audit_log before update or delete on chaperone.audit_log
  for each row execute function chaperone.keep_audit_log();
create trigger keep_audit_log_whole before truncate on chaperone.audit_log
  for each statement execute function chaperone.keep_audit_log();


-- Copied from database/functions by `npm run generate`: edit those.

-- Appends entries to the audit log of the session's own organization. A proxy tells of refusals and of what API callers did;
-- only the operator tells of resources.
create or replace function chaperone.append_audit(entries jsonb) returns integer
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if organization is null then
    raise exception 'the session belongs to no organization' using errcode = 'insufficient_privilege';
  end if;
  if exists (select from jsonb_array_elements(entries) e where coalesce(e.value ->> 'kind', '') not in ('api', 'refusal')) then
    raise exception 'an entry of another kind' using errcode = 'check_violation';
  end if;
  return chaperone.append_audit_of(organization, entries);
end
$$;
revoke all on function chaperone.append_audit(jsonb) from public;
grant execute on function chaperone.append_audit(jsonb) to chaperone_tenant;

-- Appends entries to an organization's audit log, in their order, and chains their hashes. Entries whose id is in the log are
-- left out. It locks the head until the transaction ends. Returns how many it appended.
create or replace function chaperone.append_audit_of(organization uuid, entries jsonb) returns integer
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  head record;
  one jsonb;
  content text;
  appended integer := 0;
begin
  insert into chaperone.audit_chains (organization_id) values (organization) on conflict do nothing;
  select c.seq, c.hash into head from chaperone.audit_chains c where c.organization_id = organization for update;
  for one in select e.value from jsonb_array_elements(entries) e loop
    continue when exists (
      select from chaperone.audit_log l where l.organization_id = organization and l.entry_id = one ->> 'id');
    head.seq := head.seq + 1;
    content := (one || jsonb_build_object('organization', organization, 'seq', head.seq, 'recordedBy', session_user,
      'recordedAt', to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::text;
    head.hash := sha256(head.hash || convert_to(content, 'UTF8'));
    insert into chaperone.audit_log (organization_id, seq, entry_id, entry, hash)
      values (organization, head.seq, one ->> 'id', content, head.hash);
    appended := appended + 1;
  end loop;
  if appended > 0 then
    update chaperone.audit_chains c set seq = head.seq, hash = head.hash, appended_at = clock_timestamp()
      where c.organization_id = organization;
  end if;
  return appended;
end
$$;
revoke all on function chaperone.append_audit_of(uuid, jsonb) from public;

-- The pseudonyms of users in the audit log of the session's own organization.
create or replace function chaperone.audit_pseudonyms(users jsonb)
  returns table (external_id text, at text, person text)
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
#variable_conflict use_column
begin
  return query
    select p.external_id, p.at, p.person
    from chaperone.audit_pseudonyms_of(chaperone.current_organization_id(), users) p;
end
$$;
revoke all on function chaperone.audit_pseudonyms(jsonb) from public;
grant execute on function chaperone.audit_pseudonyms(jsonb) to chaperone_tenant;

-- The pseudonyms of users in an organization's audit log, as entries name them. A user without one gets one. In something from
-- before the user's erasure, it is the anonymous user.
create or replace function chaperone.audit_pseudonyms_of(organization uuid, users jsonb)
  returns table (external_id text, at text, person text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
#variable_conflict use_column
declare
  one record;
  stranger uuid;
begin
  for one in select u.* from jsonb_to_recordset(users) as u (user_id uuid, external_id text, at text) loop
    external_id := one.external_id;
    at := one.at;
    stranger := chaperone.late_stranger(organization, one.user_id, one.at::timestamptz);
    if stranger is not null then
      person := 'erased-' || stranger;
    else
      insert into chaperone.audit_people as p (organization_id, external_id, salt, person)
        select organization, one.external_id, s.salt,
          'person:' || encode(sha256(s.salt || convert_to(one.external_id, 'UTF8')), 'hex')
        from (select uuid_send(gen_random_uuid()) as salt) s
        where not exists (
          select from chaperone.audit_people k where k.organization_id = organization and k.external_id = one.external_id)
        on conflict do nothing;
      select p.person into person
        from chaperone.audit_people p where p.organization_id = organization and p.external_id = one.external_id;
    end if;
    return next;
  end loop;
end
$$;
revoke all on function chaperone.audit_pseudonyms_of(uuid, jsonb) from public;

-- Deletes every row of an organization, in every table that has `organization_id`. A new table needs no line here. The
-- audit log comes last: it goes only with its organization.
create or replace function chaperone.delete_organization(organization uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  owned regclass;
begin
  for owned in
    select c.oid::regclass
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'organization_id'
    where c.relnamespace = 'chaperone'::regnamespace
      and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> 'organization_roles'
    order by c.relname = 'audit_log', c.relname
  loop
    execute format('delete from %s where organization_id = $1', owned) using organization;
  end loop;
  perform pg_notify('chaperone_' || replace(organization::text, '-', ''), '');
end
$$;
revoke all on function chaperone.delete_organization(uuid) from public;

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
  -- Nobody knows which of the answers that may be replayed say something about the person, so all of them go.
  perform from chaperone.cached_bytes b where b.organization_id = organization for update;
  delete from chaperone.cached_answers a where a.organization_id = organization;
  update chaperone.cached_bytes b set bytes = 0 where b.organization_id = organization;
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
  -- What a rule counts of the person, or of one of the person's sessions.
  update chaperone.quota_counters c
    set scope = stranger || case when c.per = 'Session' then '/erased-' || md5(substr(c.scope, 38) || stranger) else '' end
    where c.organization_id = organization and c.per in ('User', 'Session') and left(c.scope, 36) = erased::text;
  -- The entries of the audit log have only the pseudonym, which says nothing from now on.
  delete from chaperone.audit_people p where p.organization_id = organization and p.external_id = external_name;
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

-- Appends the entry of a resource's change, and keeps the resource as it is now, for the next one. Nothing happens where
-- the resource is not as it was when the change was found (`revision`), since another operator has recorded it then.
-- `state` null: the resource is gone. Returns whether it was appended.
create or replace function chaperone.record_audit_change(organization uuid, entry jsonb, subject text, former bigint, state jsonb)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  -- Others wait here until this change is recorded.
  insert into chaperone.audit_chains (organization_id) values (organization) on conflict do nothing;
  perform from chaperone.audit_chains c where c.organization_id = organization for update;
  if former is distinct from (
    select r.revision from chaperone.audit_resources r where r.organization_id = organization and r.subject = $3
  ) then
    return false;
  end if;
  if state is null then
    delete from chaperone.audit_resources r where r.organization_id = organization and r.subject = $3;
  else
    insert into chaperone.audit_resources (organization_id, subject, uid, generation, fingerprint, revision, spec)
      values (organization, $3, state ->> 'uid', (state ->> 'generation')::bigint, state ->> 'fingerprint',
        coalesce(former, 0) + 1, state -> 'spec')
      on conflict on constraint audit_resources_pkey do update
        set uid = excluded.uid, generation = excluded.generation, fingerprint = excluded.fingerprint,
            revision = excluded.revision, spec = excluded.spec;
  end if;
  return chaperone.append_audit_of(organization, jsonb_build_array(entry)) > 0;
end
$$;
revoke all on function chaperone.record_audit_change(uuid, jsonb, text, bigint, jsonb) from public;
