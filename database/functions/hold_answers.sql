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
