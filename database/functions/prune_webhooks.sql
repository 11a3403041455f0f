-- Deletes deliveries that ended long ago, of all organizations, their events, and what is left of deleted webhooks.
create or replace function chaperone.prune_webhooks(kept interval) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from chaperone.webhook_deliveries d where d.ended_at < now() - kept;
  delete from chaperone.webhook_events e
    where e.occurred_at < now() - kept
      and not exists (
        select from chaperone.webhook_deliveries d
        where d.organization_id = e.organization_id and d.event_id = e.event_id);
  delete from chaperone.webhooks w where w.deleted_at < now() - kept;
  delete from chaperone.webhook_states s
    where not exists (
      select from chaperone.webhooks w where w.organization_id = s.organization_id and w.webhook_id = s.webhook_id);
end
$$;
revoke all on function chaperone.prune_webhooks(interval) from public;
