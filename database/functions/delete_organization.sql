-- Deletes every row of an organization, in every table that has `organization_id`. A new table needs no line here. Its background jobs go, too. The
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
  delete from graphile_worker._private_jobs j where j.payload ->> 'organization' = organization::text;
  perform pg_notify('chaperone_' || replace(organization::text, '-', ''), '');
end
$$;
revoke all on function chaperone.delete_organization(uuid) from public;
