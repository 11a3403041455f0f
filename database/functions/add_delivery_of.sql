-- Puts an event on its way to a webhook: a delivery, and its job, unless an earlier delivery about the same subject waits: then
-- the end of that one adds the job. Its caller holds the lock of the subject. Where too many wait for a webhook that does not
-- answer, the event is not delivered to it, so that what happens can still be recorded. Returns the delivery's id.
create or replace function chaperone.add_delivery_of(organization uuid, webhook uuid, event uuid, about text, attempts integer)
  returns uuid
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
declare
  most constant integer := 10000;
  delivery constant uuid := gen_random_uuid();
begin
  if (select count(*) from (
        select from chaperone.webhook_deliveries d
        where d.organization_id = organization and d.webhook_id = webhook and d.state = 'waiting' limit most
      ) waiting) = most then
    insert into chaperone.webhook_deliveries (organization_id, delivery_id, webhook_id, event_id, subject, state, last_error, ended_at)
      values (organization, delivery, webhook, event, about, 'dead',
        format('backlog_full: %s deliveries wait for this webhook', most), now());
    return delivery;
  end if;
  insert into chaperone.webhook_deliveries (organization_id, delivery_id, webhook_id, event_id, subject)
    values (organization, delivery, webhook, event, about);
  if not exists (
      select from chaperone.webhook_deliveries d
      where d.organization_id = organization and d.webhook_id = webhook and d.subject = about and d.state = 'waiting'
        and d.delivery_id <> delivery) then
    perform chaperone.add_job_of(organization, 'deliver-webhook', delivery::text, null, attempts);
  end if;
  return delivery;
end
$$;
revoke all on function chaperone.add_delivery_of(uuid, uuid, uuid, text, integer) from public;
