-- Refuses every change of the audit log but appending, to its owner and to superusers, too. A log goes only with its
-- organization, and its oldest entries where a checkpoint stands for them (`prune_audit`).
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
  if tg_op = 'DELETE' and exists (
    select from chaperone.audit_checkpoints c where c.organization_id = old.organization_id and c.seq >= old.seq
  ) then
    return old;
  end if;
  raise exception 'the audit log is append-only' using errcode = 'insufficient_privilege';
end
$$;
revoke all on function chaperone.keep_audit_log() from public;
