-- What a rule of limits or budgets counts of one scope (a user, a key, …) in one window.
create table chaperone.quota_counters (
  organization_id uuid not null,
  -- A digest of the rule, the unit, the scope and the window (database/quota.ts), so that a proxy knows it without asking.
  counter_id bigint not null,
  rule text not null check (length(rule) <= 512),
  unit text not null check (unit in ('requests', 'tokens', 'input_tokens', 'output_tokens', 'nano_usd', 'concurrent')),
  per text not null check (per in ('Organization', 'User', 'Key', 'Model', 'Workload', 'Session')),
  -- The user's id, the key's id, the model, namespace/workload, or user id/session. Empty: the whole organization.
  scope text not null check (length(scope) <= 512),
  window_start timestamptz not null,
  window_end timestamptz not null,
  -- What leases that have ended have settled.
  used bigint not null default 0 check (used >= 0),
  primary key (organization_id, counter_id)
);
create index quota_counters_window on chaperone.quota_counters (organization_id, window_end, rule);
alter table chaperone.quota_counters enable row level security;
create policy tenant on chaperone.quota_counters for all to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.quota_counters to chaperone_tenant;

-- What a proxy may use of a counter. All amounts only grow during a lease, except that a proxy gives back what it has not used.
create table chaperone.quota_leases (
  organization_id uuid not null,
  counter_id bigint not null,
  lease_id bigint not null,
  -- How much the proxy may use in all.
  granted bigint not null default 0 check (granted >= 0),
  -- How much it had used or reserved when it last said so.
  spent bigint not null default 0 check (spent >= 0),
  -- How much of that is in records that are stored here.
  settled bigint not null default 0 check (settled >= 0),
  -- By this server's clock. From then on, nothing but what the proxy has spent is withheld from others.
  expires_at timestamptz not null,
  primary key (organization_id, counter_id, lease_id)
) with (fillfactor = 50);
alter table chaperone.quota_leases enable row level security;
create policy tenant on chaperone.quota_leases for all to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.quota_leases to chaperone_tenant;

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

-- Leases parts of the counters of the session's own organization, by this server's clock.
create or replace function chaperone.lease_quota(demands jsonb)
  returns table (counter_id bigint, lease_id bigint, granted bigint, room bigint, is_current boolean, at_ms double precision)
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
#variable_conflict use_column
declare
  organization uuid := chaperone.current_organization_id();
  at timestamptz := clock_timestamp();
begin
  if organization is null then
    return;
  end if;
  return query
    select l.counter_id, l.lease_id, l.granted, l.room, l.is_current, extract(epoch from at)::double precision * 1000
    from chaperone.lease_quota_of(organization, demands, at) l;
end
$$;
revoke all on function chaperone.lease_quota(jsonb) from public;
grant execute on function chaperone.lease_quota(jsonb) to chaperone_tenant;

-- Grants parts of counters to a proxy, renews its leases, and takes back what it does not need. A demand states levels, not
-- differences: `spent`, what the proxy has used or reserved so far in this lease; `smallest`, the level below which a larger
-- lease is of no use; `wanted`, the level for the calls that wait; `target`, the level for the calls that it expects. So a
-- demand whose outcome is unknown can be repeated. A target that is not above `spent` gives back the rest; `ends` also ends
-- the lease. Nothing is granted beyond `amount`, the limit. Of what is left, a lease gets no more than its share beyond the
-- calls that wait, so that the last of it is spread over all proxies. A window that is over, or is far ahead, gets nothing.
create or replace function chaperone.lease_quota_of(organization uuid, demands jsonb, at timestamptz)
  returns table (counter_id bigint, lease_id bigint, granted bigint, room bigint, is_current boolean)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
#variable_conflict use_column
declare
  demand record;
  mine record;
  folded bigint;
  total bigint;
  others bigint;
  holders bigint;
  floor bigint;
  highest bigint;
  level bigint;
begin
  -- In one order, so that no two proxies wait for each other.
  for demand in
    select *
    from jsonb_to_recordset(demands) as d (counter bigint, lease bigint, rule text, unit text, per text, scope text,
      start_ms bigint, end_ms bigint, amount bigint, spent bigint, smallest bigint, wanted bigint, target bigint,
      ends boolean, ttl_ms integer)
    order by counter, lease
  loop
    insert into chaperone.quota_counters (organization_id, counter_id, rule, unit, per, scope, window_start, window_end)
      values (organization, demand.counter, demand.rule, demand.unit, demand.per, demand.scope,
        timestamptz 'epoch' + demand.start_ms * interval '1 millisecond',
        case when demand.end_ms is null then 'infinity' else timestamptz 'epoch' + demand.end_ms * interval '1 millisecond' end)
      on conflict do nothing;
    select used into total from chaperone.quota_counters c
      where c.organization_id = organization and c.counter_id = demand.counter for update;
    -- Ended leases whose records have all arrived, or will no longer arrive.
    with ended as (
      delete from chaperone.quota_leases l
      where (l.organization_id, l.counter_id, l.lease_id) in (
          select e.organization_id, e.counter_id, e.lease_id
          from chaperone.quota_leases e
          where e.organization_id = organization and e.counter_id = demand.counter and e.lease_id <> demand.lease
            and e.expires_at <= at and (e.settled >= e.spent or demand.unit = 'concurrent' or e.expires_at <= at - interval '1 hour')
          for update skip locked)
      returning l.settled
    )
    select coalesce(sum(settled), 0) into folded from ended;
    if folded > 0 then
      update chaperone.quota_counters c set used = used + folded
        where c.organization_id = organization and c.counter_id = demand.counter;
    end if;
    total := total + folded;

    select coalesce(sum(chaperone.quota_held(demand.unit, l.granted, l.spent, l.settled, l.expires_at, at)), 0),
        count(*) filter (where l.expires_at > at) + 1
      into others, holders
      from chaperone.quota_leases l
      where l.organization_id = organization and l.counter_id = demand.counter and l.lease_id <> demand.lease;
    select l.granted, l.settled into mine from chaperone.quota_leases l
      where l.organization_id = organization and l.counter_id = demand.counter and l.lease_id = demand.lease for update;
    floor := greatest(demand.spent, coalesce(mine.settled, 0), 0);
    highest := demand.amount - total - others;
    is_current := (demand.end_ms is null or demand.end_ms > extract(epoch from at) * 1000)
      and demand.start_ms <= extract(epoch from at) * 1000 + 60000;
    if not is_current or demand.ends or greatest(demand.target, demand.wanted) <= floor then
      level := floor;
    elsif highest < demand.smallest then
      level := greatest(floor, least(coalesce(mine.granted, 0), highest));
    else
      level := greatest(demand.wanted, least(demand.target,
        greatest(least(coalesce(mine.granted, 0), demand.target), floor + greatest((highest - floor) / (2 * holders), demand.smallest - floor))));
      level := greatest(floor, least(level, highest));
    end if;
    insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, granted, spent, settled, expires_at)
      values (organization, demand.counter, demand.lease, level, greatest(demand.spent, 0), 0,
        case when demand.ends or not is_current then at else at + least(demand.ttl_ms, 300000) * interval '1 millisecond' end)
      on conflict on constraint quota_leases_pkey do update
        set granted = excluded.granted, spent = excluded.spent, expires_at = excluded.expires_at;
    counter_id := demand.counter;
    lease_id := demand.lease;
    granted := level;
    room := highest - level;
    return next;
  end loop;
end
$$;
revoke all on function chaperone.lease_quota_of(uuid, jsonb, timestamptz) from public;

-- How much of its counter a lease withholds from others. While it lasts, all that was granted. From then on, what its proxy
-- had used or reserved: its records may still arrive. After an hour, what its records say. A proxy that has gone runs no
-- calls, so a place for a concurrent call is free at once.
create or replace function chaperone.quota_held(
  unit text, granted bigint, spent bigint, settled bigint, expires_at timestamptz, at timestamptz) returns bigint
  language sql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when unit = 'concurrent' then case when expires_at > at then greatest(granted, spent) else 0 end
    when expires_at > at then greatest(granted, spent, settled)
    when expires_at > at - interval '1 hour' then greatest(spent, settled)
    else settled
  end
$$;
revoke all on function chaperone.quota_held(text, bigint, bigint, bigint, timestamptz, timestamptz) from public;
grant execute on function chaperone.quota_held(text, bigint, bigint, bigint, timestamptz, timestamptz) to chaperone_tenant;

-- Adds what new records have used to their leases. The statement that stores the records calls it, so both happen, or none.
-- A lease that is not there any more comes back with what is settled late.
create or replace function chaperone.settle_quota(counters bigint[], leases bigint[], amounts bigint[]) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, settled, expires_at)
  select chaperone.current_organization_id(), counter_id, lease_id, least(sum(greatest(amount, 0)), 1e18), clock_timestamp()
  from unnest(counters, leases, amounts) as s (counter_id, lease_id, amount)
  group by counter_id, lease_id
  order by counter_id, lease_id
  on conflict on constraint quota_leases_pkey do update set settled = least(l.settled + excluded.settled, 2e18);
end
$$;
revoke all on function chaperone.settle_quota(bigint[], bigint[], bigint[]) from public;
grant execute on function chaperone.settle_quota(bigint[], bigint[], bigint[]) to chaperone_tenant;
