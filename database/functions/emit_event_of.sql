-- Tells the webhooks of an organization of something, in the transaction of what has happened: both become visible, or
-- neither. Where no webhook wants the event, it costs one look and leaves nothing. Returns how many webhooks are told.
create or replace function chaperone.emit_event_of(organization uuid, type text, subject text, about_user uuid, data jsonb)
  returns integer
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
declare
  -- Over 22 hours, by the pauses between attempts.
  attempts constant integer := 13;
  event constant uuid := gen_random_uuid();
  told uuid[] := array(
    select w.webhook_id
    from chaperone.webhooks w
      left join chaperone.webhook_states s on s.organization_id = w.organization_id and s.webhook_id = w.webhook_id
    where w.organization_id = organization and w.deleted_at is null and w.is_active and s.disabled_at is null
      and (w.events is null or emit_event_of.type = any (w.events))
    order by w.webhook_id);
  webhook uuid;
begin
  if told = '{}' then
    return 0;
  end if;
  -- Of a user who was erased meanwhile, nothing is told any more.
  if about_user is not null and chaperone.late_stranger(organization, about_user, now() - interval '1 hour') is not null then
    return 0;
  end if;
  -- The order of two deliveries is that of their commits. And whoever ends one waits, and so sees the next.
  perform chaperone.lock_subject(organization, subject);
  insert into chaperone.webhook_events (organization_id, event_id, type, subject, user_id, data)
    values (organization, event, type, subject, about_user, data);
  foreach webhook in array told loop
    perform chaperone.add_delivery_of(organization, webhook, event, subject, attempts);
  end loop;
  return cardinality(told);
end
$$;
revoke all on function chaperone.emit_event_of(uuid, text, text, uuid, jsonb) from public;
