-- Deletes an organization's login in one transaction.
create or replace function chaperone.drop_organization_role(organization uuid) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform chaperone.close_organization_role(organization);
  perform chaperone.remove_organization_role(organization);
end
$$;
revoke all on function chaperone.drop_organization_role(uuid) from public;
