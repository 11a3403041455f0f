-- The customer's language, as ISO 639-1. Null: not known.
alter table chaperone.support_conversations add column language text check (language ~ '^[a-z]{2}$');
grant update (language) on chaperone.support_conversations to chaperone_tenant;

-- Those that nobody continues.
create index support_conversations_idle on chaperone.support_conversations (organization_id, updated_at)
  where status = 'active';

-- Copied from database/functions by `npm run generate`: edit those.

-- Resolves active conversations with the support desk that nobody has continued for `spec.support.resolveAfter`: at most so
-- many, so that nothing waits long. One whose last message has no answer stays active, since nothing was resolved. Returns
-- how many it has resolved.
create or replace function chaperone.resolve_idle_conversations(most integer) returns integer
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  desk record;
  idle record;
  ids text[];
  resolved integer := 0;
begin
  for desk in
    select o.organization_id, nullif(coalesce(o.spec -> 'support' ->> 'resolveAfter', '24h'), 'Never')::interval as after
    from chaperone.organizations o
    where o.deleted_at is null
  loop
    continue when desk.after is null;
    ids := '{}';
    for idle in
      select c.conversation_id, c.user_id, c.channel
      from chaperone.support_conversations c
      where c.organization_id = desk.organization_id and c.status = 'active' and c.updated_at < now() - desk.after
        and exists (
          select from chaperone.support_messages m
          where m.organization_id = desk.organization_id and m.conversation_id = c.conversation_id and m.number = c.messages
            and m.sender <> 'user' and m.status = 'completed')
      order by c.updated_at
      limit most - resolved
      for update of c skip locked
    loop
      perform chaperone.emit_event_of(desk.organization_id, 'conversation.resolved', 'conversation/' || idle.conversation_id,
        idle.user_id, jsonb_build_object('conversation_id', idle.conversation_id, 'channel', idle.channel,
          'resolved_by', 'inactivity'));
      ids := ids || idle.conversation_id;
    end loop;
    update chaperone.support_conversations c
      set status = 'resolved', resolved_at = clock_timestamp(), updated_at = clock_timestamp()
      where c.organization_id = desk.organization_id and c.conversation_id = any (ids);
    resolved := resolved + cardinality(ids);
    exit when resolved >= most;
  end loop;
  return resolved;
end
$$;
revoke all on function chaperone.resolve_idle_conversations(integer) from public;
grant execute on function chaperone.resolve_idle_conversations(integer) to chaperone_worker;
