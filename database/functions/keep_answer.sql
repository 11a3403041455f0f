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
