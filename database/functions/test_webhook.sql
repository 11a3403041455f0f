-- Sends a webhook of the session's own organization a test, as test_webhook_of does.
create or replace function chaperone.test_webhook(webhook uuid) returns uuid
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
begin
  return chaperone.test_webhook_of(chaperone.current_organization_id(), webhook);
end
$$;
revoke all on function chaperone.test_webhook(uuid) from public;
grant execute on function chaperone.test_webhook(uuid) to chaperone_tenant;
