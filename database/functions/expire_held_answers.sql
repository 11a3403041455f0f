-- Rejects answers that a guardrail holds and that nobody has decided about in time: at most so many, so that nothing waits
-- long. Returns how many.
create or replace function chaperone.expire_held_answers(most integer) returns integer
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  held record;
  expired integer := 0;
begin
  for held in
    select i.organization_id, i.item_id, i.about_user_id, i.category, i.priority, i.source, i.response_id
    from chaperone.review_items i
      join chaperone.organizations o on o.organization_id = i.organization_id
    where i.status = 'queued' and i.held_until <= clock_timestamp() and o.deleted_at is null
    order by i.organization_id, i.held_until
    limit most
    for update of i skip locked
  loop
    update chaperone.review_items i
      set status = 'reviewed', approved = false, claimed_by = null, claimed_until = null, reviewed_at = i.held_until,
        updated_at = clock_timestamp()
      where i.organization_id = held.organization_id and i.item_id = held.item_id;
    perform chaperone.emit_event_of(held.organization_id, 'review.decided', 'review/' || held.item_id, held.about_user_id,
      jsonb_build_object('item_id', held.item_id, 'category', held.category, 'priority', held.priority,
        'source', held.source, 'response_id', held.response_id, 'approved', false, 'edited', false, 'expired', true));
    perform chaperone.append_audit_of(held.organization_id, jsonb_build_array(jsonb_build_object(
      'id', gen_random_uuid(), 'at', to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'kind', 'api',
      'action', 'changed', 'subject', 'ReviewItem/' || held.item_id,
      'actor', jsonb_build_object('managers', jsonb_build_array(jsonb_build_object('manager', 'chaperone worker'))),
      'changes', jsonb_build_array(
        jsonb_build_object('field', 'review.approved', 'after', false),
        jsonb_build_object('field', 'review.expired', 'after', true),
        jsonb_build_object('field', 'review.status', 'before', 'queued', 'after', 'reviewed')))));
    perform chaperone.tell_live_of(held.organization_id, 'queue_update', jsonb_build_object('action', 'expired',
      'item_id', held.item_id, 'status', 'reviewed', 'category', held.category, 'priority', held.priority));
    expired := expired + 1;
  end loop;
  return expired;
end
$$;
revoke all on function chaperone.expire_held_answers(integer) from public;
grant execute on function chaperone.expire_held_answers(integer) to chaperone_worker;
