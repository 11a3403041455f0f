-- An active template by its name, still sealed, as the session's own organization has it. One that serves one of the
-- namespaces comes before the organization's. Templates are read by this function alone: a sidecar of a version that knew no
-- templates reads the table, and would take one for a way to classify calls.
create or replace function chaperone.read_analysis_template(namespaces text[], wanted text)
  returns table (analysis_config_id uuid, resource text, serves_namespace text, name text, description text,
    config_encrypted bytea, is_active boolean, created_at timestamptz, updated_at timestamptz)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select c.analysis_config_id, c.resource, c.serves_namespace, c.name, c.description, c.config_encrypted, c.is_active,
    c.created_at, c.updated_at
  from chaperone.analysis_configs c
  where c.organization_id = chaperone.current_organization_id() and c.name = wanted and c.deleted_at is null
    and c.is_active and c.kind = 'template' and (c.serves_namespace is null or c.serves_namespace = any(namespaces))
  order by c.serves_namespace nulls last
  limit 1
$$;
revoke all on function chaperone.read_analysis_template(text[], text) from public;
grant execute on function chaperone.read_analysis_template(text[], text) to chaperone_tenant;
