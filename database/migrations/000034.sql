-- Answers that an organization's proxies replay (spec.cache), and who is asking a provider for one now. The tables are
-- unlogged: a cache costs no WAL, and may be empty after a crash.
create unlogged table chaperone.cached_answers (
  organization_id uuid not null,
  -- A keyed digest of the call.
  answer_id bytea not null check (octet_length(answer_id) = 32),
  answer_encrypted bytea not null,
  -- What counts against the bounds of the cache.
  bytes integer not null,
  kept_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (organization_id, answer_id)
);
create index cached_answers_kept_at on chaperone.cached_answers (organization_id, kept_at);
create index cached_answers_expires_at on chaperone.cached_answers (organization_id, expires_at);
alter table chaperone.cached_answers alter column answer_encrypted set storage external;
create unlogged table chaperone.cached_bytes (
  organization_id uuid primary key,
  bytes bigint not null
);
create unlogged table chaperone.answer_leases (
  organization_id uuid not null,
  answer_id bytea not null check (octet_length(answer_id) = 32),
  -- The proxy that asks.
  holder uuid not null,
  leased_until timestamptz not null,
  primary key (organization_id, answer_id)
);
alter table chaperone.cached_answers enable row level security;
create policy tenant on chaperone.cached_answers for all to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
alter table chaperone.cached_bytes enable row level security;
create policy tenant on chaperone.cached_bytes for all to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
alter table chaperone.answer_leases enable row level security;
create policy tenant on chaperone.answer_leases for all to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));

-- What the cache did for a call, what the provider would have billed for an answer from it, and half of that.
alter table chaperone.requests add column cache_status text;
alter table chaperone.requests add column avoided_cost_usd numeric(20, 12);
alter table chaperone.requests add column cache_savings_usd numeric(20, 12);

-- Copied from database/functions by `npm run generate`: edit those.

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

-- Finds an answer that is not older than this, of the session's own organization. Where there is none, the holder may
-- lease the right to ask for it: `leased` says whether it has. Null for `lease_ms`: it only looks.
create or replace function chaperone.find_answer(answer bytea, max_age_ms double precision, asker uuid, lease_ms double precision)
  returns table (answer_encrypted bytea, age_ms double precision, leased boolean)
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $$
#variable_conflict use_column
declare
  organization uuid := chaperone.current_organization_id();
  has_leased boolean := false;
begin
  if organization is null then
    return;
  end if;
  for attempt in 1..2 loop
    return query
      select a.answer_encrypted, extract(epoch from clock_timestamp() - a.kept_at)::double precision * 1000, false
      from chaperone.cached_answers a
      where a.organization_id = organization and a.answer_id = answer and a.expires_at > clock_timestamp()
        and a.kept_at > clock_timestamp() - max_age_ms * interval '1 millisecond';
    if found then
      if has_leased then
        delete from chaperone.answer_leases l where l.organization_id = organization and l.answer_id = answer;
      end if;
      return;
    end if;
    exit when lease_ms is null or has_leased;
    insert into chaperone.answer_leases as l (organization_id, answer_id, holder, leased_until)
      values (organization, answer, asker, clock_timestamp() + lease_ms * interval '1 millisecond')
      on conflict (organization_id, answer_id) do update
        set holder = excluded.holder, leased_until = excluded.leased_until
        where l.leased_until < clock_timestamp() or l.holder = excluded.holder;
    has_leased := found;
    -- Its former holder may have kept the answer since the first look.
    exit when not has_leased;
  end loop;
  return query select null::bytea, null::double precision, has_leased;
end
$$;
revoke all on function chaperone.find_answer(bytea, double precision, uuid, double precision) from public;
grant execute on function chaperone.find_answer(bytea, double precision, uuid, double precision) to chaperone_tenant;

-- Extends the leases of a holder, or ends them where `lease_ms` is null.
create or replace function chaperone.hold_answers(answers bytea[], asker uuid, lease_ms double precision) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '2s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if lease_ms is null then
    delete from chaperone.answer_leases l
      where l.organization_id = organization and l.answer_id = any (answers) and l.holder = asker;
  else
    update chaperone.answer_leases l set leased_until = clock_timestamp() + lease_ms * interval '1 millisecond'
      where l.organization_id = organization and l.answer_id = any (answers) and l.holder = asker;
  end if;
end
$$;
revoke all on function chaperone.hold_answers(bytea[], uuid, double precision) from public;
grant execute on function chaperone.hold_answers(bytea[], uuid, double precision) to chaperone_tenant;

-- Keeps an answer of the session's own organization, and makes room for it: expired answers go first, then the oldest.
-- Ends the holder's lease. Returns whether it was kept: an answer to a call from before an erasure is not, since it may
-- say something about the erased person.
create or replace function chaperone.keep_answer(answer bytea, sealed bytea, size integer, ttl_ms double precision,
    max_bytes bigint, began_at timestamptz, asker uuid)
  returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '10s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
  at timestamptz := clock_timestamp();
  held bigint;
  excess bigint;
  freed bigint;
begin
  if organization is null then
    return false;
  end if;
  insert into chaperone.cached_bytes (organization_id, bytes) values (organization, 0) on conflict do nothing;
  -- Whoever deletes or keeps answers locks this row first, so that none waits for another in a circle.
  select c.bytes into held from chaperone.cached_bytes c where c.organization_id = organization for update;
  delete from chaperone.answer_leases l
    where l.organization_id = organization and l.answer_id = answer and l.holder = asker;
  if size > max_bytes
      or exists (select from chaperone.erased_users e where e.organization_id = organization and e.erased_at >= began_at) then
    return false;
  end if;
  with gone as (
    delete from chaperone.cached_answers a
      where a.organization_id = organization and (a.answer_id = answer or a.expires_at <= at)
      returning a.bytes
  )
  select held - coalesce(sum(g.bytes), 0) into held from gone g;
  loop
    excess := held + size - max_bytes;
    exit when excess <= 0;
    with oldest as (
      select a.answer_id, sum(a.bytes) over (order by a.kept_at, a.answer_id) - a.bytes as before
      from (
        select o.answer_id, o.kept_at, o.bytes from chaperone.cached_answers o
        where o.organization_id = organization order by o.kept_at, o.answer_id limit 1000
      ) a
    ), gone as (
      delete from chaperone.cached_answers a using oldest o
        where a.organization_id = organization and a.answer_id = o.answer_id and o.before < excess
        returning a.bytes
    )
    select coalesce(sum(g.bytes), 0) into freed from gone g;
    if freed = 0 then
      -- The table is empty, as after a crash of the server.
      held := 0;
    end if;
    held := held - freed;
  end loop;
  insert into chaperone.cached_answers (organization_id, answer_id, answer_encrypted, bytes, kept_at, expires_at)
    values (organization, answer, sealed, size, at, at + ttl_ms * interval '1 millisecond');
  update chaperone.cached_bytes c set bytes = held + size where c.organization_id = organization;
  delete from chaperone.answer_leases l where l.organization_id = organization and l.leased_until < at - interval '1 minute';
  return true;
end
$$;
revoke all on function chaperone.keep_answer(bytea, bytea, integer, double precision, bigint, timestamptz, uuid) from public;
grant execute on function chaperone.keep_answer(bytea, bytea, integer, double precision, bigint, timestamptz, uuid) to chaperone_tenant;
