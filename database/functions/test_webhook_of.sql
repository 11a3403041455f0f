-- Sends a webhook an event that says nothing, also to one that is disabled. It is tried once. Returns the delivery's id; null
-- where there is no such webhook.
create or replace function chaperone.test_webhook_of(organization uuid, webhook uuid) returns uuid
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
declare
  event constant uuid := gen_random_uuid();
  about constant text := format('webhook/%s', event);
  named text;
begin
  select w.name into named from chaperone.webhooks w
    where w.organization_id = organization and w.webhook_id = webhook and w.deleted_at is null;
  if not found then
    return null;
  end if;
  insert into chaperone.webhook_events (organization_id, event_id, type, subject, data)
    values (organization, event, 'webhook.test', about, jsonb_build_object('webhook_id', webhook, 'name', named));
  return chaperone.add_delivery_of(organization, webhook, event, about, 1);
end
$$;
revoke all on function chaperone.test_webhook_of(uuid, uuid) from public;
