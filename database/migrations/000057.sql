-- Who asked an API server for a change of a resource, until the change is in the audit log. The operator's alone: at that
-- time, nobody may know yet to which organization the resource belongs.
create table chaperone.resource_requests (
  uid text not null,
  operation text not null check (operation in ('CREATE', 'UPDATE', 'DELETE')),
  generation bigint not null,
  digest bytea not null,
  requester text not null,
  requested_at timestamptz not null default now(),
  constraint resource_requests_pkey primary key (uid, operation, generation, requester, digest)
);
create index resource_requests_requested_at on chaperone.resource_requests (requested_at);
alter table chaperone.resource_requests enable row level security;

-- Copied from database/functions by `npm run generate`: edit those.

-- Appends the entry of a resource's change, and keeps the resource as it is now, for the next one. Nothing happens where
-- the resource is not as it was when the change was found (`revision`), since another operator has recorded it then.
-- `state` null: the resource is gone. Returns whether it was appended. What was kept of the requests for the change goes.
create or replace function chaperone.record_audit_change(organization uuid, entry jsonb, subject text, former bigint, state jsonb)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  delete from chaperone.resource_requests r
    where r.uid = entry ->> 'uid' and (r.generation <= (entry ->> 'generation')::bigint or state is null and r.operation = 'DELETE');
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
