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
