-- What calls of a model were like, as the proxies of an organization have told each other: it bounds what the next calls may
-- use. It says nothing about single calls or people.
create table chaperone.call_bounds (
  organization_id uuid not null,
  operation text not null check (length(operation) <= 63),
  model text not null check (length(model) <= 200),
  tokens_per_byte double precision check (tokens_per_byte >= 0 and tokens_per_byte < 'infinity'),
  output_tokens bigint check (output_tokens >= 0),
  referred_tokens bigint check (referred_tokens >= 0),
  nano_usd bigint check (nano_usd >= 0),
  -- Since when the highest of what proxies have seen counts.
  since timestamptz not null default now(),
  primary key (organization_id, operation, model)
);
alter table chaperone.call_bounds enable row level security;
create policy tenant on chaperone.call_bounds for all to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select, insert (organization_id, operation, model, tokens_per_byte, output_tokens, referred_tokens, nano_usd),
  update (tokens_per_byte, output_tokens, referred_tokens, nano_usd, since) on chaperone.call_bounds to chaperone_tenant;

-- Copied from database/functions by `npm run generate`: edit those.

-- Grants parts of counters to a proxy, renews its leases, and takes back what it does not need. A demand states levels, not
-- differences: `spent`, what the proxy has used or reserved so far in this lease; `smallest`, the level below which a larger
-- lease is of no use; `wanted`, the level for the calls that wait; `target`, the level for the calls that it expects. So a
-- demand whose outcome is unknown can be repeated. A target that is not above `spent` gives back the rest; `ends` also ends
-- the lease. Nothing is granted beyond `amount`, the limit. Of what is left, a lease gets no more than its share beyond the
-- calls that wait, so that the last of it is spread over all proxies. A window that is over, or is far ahead, gets nothing.
-- What pending calls have reserved is withheld, too.
--
-- A place for a concurrent call goes to the proxy that lacks one and has fewest, and of those to the one that lacks it for
-- longest: it stays free for that proxy for 2.5 s. A proxy that has places while another has none, or two fewer, is told by a
-- negative `room` how many it should give back as its calls end.
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
  -- For how long a place is kept for a proxy whose last demand was refused. Clients are told to come again after 1 s.
  lacking constant interval := '2.5 s';
  demand record;
  mine record;
  folded bigint;
  total bigint;
  others bigint;
  holders bigint;
  floor bigint;
  highest bigint;
  level bigint;
  since timestamptz;
  earlier bigint;
  poorer bigint;
  has_pending boolean := exists (
    select from chaperone.pending_calls p
    where p.organization_id = organization and p.settled_at is null and p.quota is not null);
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
    -- A counter that was not used for long may have been deleted since the insert.
    total := coalesce(total, 0) + folded;

    select coalesce(sum(chaperone.quota_held(demand.unit, l.granted, l.spent, l.settled, l.expires_at, at)), 0),
        count(*) filter (where l.expires_at > at) + 1
      into others, holders
      from chaperone.quota_leases l
      where l.organization_id = organization and l.counter_id = demand.counter and l.lease_id <> demand.lease;
    if has_pending then
      others := others + chaperone.quota_pending(organization, demand.counter);
    end if;
    -- Whose calls have ended had places until now.
    select l.granted, l.settled, l.lacked_at,
        case when l.lacked_at > at - lacking and demand.spent >= l.spent then l.lacks_since end as lacks_since
      into mine from chaperone.quota_leases l
      where l.organization_id = organization and l.counter_id = demand.counter and l.lease_id = demand.lease for update;
    floor := greatest(demand.spent, coalesce(mine.settled, 0), 0);
    highest := demand.amount - total - others;
    earlier := 0;
    poorer := 0;
    if demand.unit = 'concurrent' then
      select count(*) filter (where h.places < floor or (h.places = floor and h.lacks_since < coalesce(mine.lacks_since, at))),
          count(*) filter (where h.places = 0 or h.places < floor - 1)
        into earlier, poorer
        from (
          select l.lacks_since, greatest(l.granted, l.spent) as places
          from chaperone.quota_leases l
          where l.organization_id = organization and l.counter_id = demand.counter and l.lease_id <> demand.lease
            and l.expires_at > at and l.lacked_at > at - lacking) h;
      -- What is free beyond the calls of this proxy is for those first.
      highest := greatest(highest - earlier, least(highest, floor));
    end if;
    is_current := (demand.end_ms is null or demand.end_ms > extract(epoch from at) * 1000)
      and demand.start_ms <= extract(epoch from at) * 1000 + 60000;
    if not is_current or demand.ends or greatest(demand.target, demand.wanted) <= floor then
      level := floor;
    elsif highest < demand.smallest then
      level := greatest(floor, least(coalesce(mine.granted, 0), highest));
    else
      level := greatest(demand.wanted, least(demand.target,
        greatest(least(coalesce(mine.granted, 0), demand.target), floor + greatest((highest - floor) / (holders + 1), demand.smallest - floor))));
      level := greatest(floor, least(level, highest));
    end if;
    since := case
      when demand.unit <> 'concurrent' or demand.ends then null
      when demand.wanted > level and level > demand.spent then at
      when demand.wanted > level then coalesce(mine.lacks_since, at)
      when demand.wanted = demand.spent then mine.lacks_since
    end;
    insert into chaperone.quota_leases as l (organization_id, counter_id, lease_id, granted, spent, settled, expires_at,
        lacks_since, lacked_at)
      values (organization, demand.counter, demand.lease, level, greatest(demand.spent, 0), 0,
        case when demand.ends or not is_current then at else at + least(demand.ttl_ms, 300000) * interval '1 millisecond' end,
        since, case when since is null then null when demand.wanted > level then at else mine.lacked_at end)
      on conflict on constraint quota_leases_pkey do update
        set granted = excluded.granted, spent = excluded.spent, expires_at = excluded.expires_at,
          lacks_since = excluded.lacks_since, lacked_at = excluded.lacked_at;
    counter_id := demand.counter;
    lease_id := demand.lease;
    granted := level;
    -- What is free already need not be given back.
    room := highest - level;
    if room <= 0 and poorer > 0 and level = floor then
      room := least(0, greatest(demand.amount - total - others - level, 0) - poorer);
    end if;
    return next;
  end loop;
end
$$;
revoke all on function chaperone.lease_quota_of(uuid, jsonb, timestamptz) from public;
