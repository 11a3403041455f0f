-- What the cache saved has the bounds of a cost.
alter table chaperone.requests add constraint requests_savings_check check (
  avoided_cost_usd >= 0 and avoided_cost_usd <= 10000000 and cache_savings_usd >= 0 and cache_savings_usd <= 10000000
) not valid;

-- Copied from database/functions by `npm run generate`: edit those.

-- The highest value that each figure of a record may have. database/figures.ts has the same bounds for proxies.
create or replace function chaperone.figure_bounds() returns table (name text, most bigint)
  language sql immutable
  set search_path = pg_catalog, pg_temp
as $$
  select name, most
  from (values
    -- A batch of 50,000 calls with all that a model takes has a tenth of this.
    (array['input_tokens', 'cached_input_tokens', 'cache_write_tokens', 'output_tokens', 'reasoning_tokens', 'total_tokens',
      'input_audio_tokens', 'input_image_tokens', 'output_audio_tokens', 'output_image_tokens', 'characters'], 1000000000000),
    (array['cost_usd', 'avoided_cost_usd', 'cache_savings_usd'], 10000000),
    -- Two weeks.
    (array['duration_ms', 'time_to_first_token_ms'], 1209600000),
    (array['images'], 1000000),
    (array['audio_seconds'], 100000000)
  ) bounds (names, most), unnest(names) as name
$$;
revoke all on function chaperone.figure_bounds() from public;

-- Finds an answer that is not older than this, of the session's own organization. Where there is none, the holder may
-- lease the right to ask for it: `leased` says whether it has. Null for `lease_ms`: it only looks.
create or replace function chaperone.find_answer(answer bytea, max_age_ms double precision, asker uuid, lease_ms double precision)
  returns table (answer_encrypted bytea, age_ms double precision, leased boolean)
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
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
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
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
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
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
