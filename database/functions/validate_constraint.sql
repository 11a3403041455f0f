-- Validates a constraint of one table. Only changes of the table's definition wait for it.
create or replace function chaperone.validate_constraint(part regclass, constraint_name name) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '10s'
as $$
begin
  execute format('alter table %s validate constraint %I', part, constraint_name);
end
$$;
revoke all on function chaperone.validate_constraint(regclass, name) from public;
