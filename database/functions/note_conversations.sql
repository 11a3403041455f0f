-- Adds new records to their conversations and branches. Those of users who were erased after the call belong to none.
create or replace function chaperone.note_conversations() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
declare
  has_late boolean;
begin
  if not exists (select from made where conversation_id is not null) then
    return null;
  end if;
  -- Hardly ever: nothing else is looked at for those who were erased.
  has_late := exists (
    select
    from (select organization_id, min(started_at) as started_at from made group by organization_id) m
      join chaperone.erased_users e on e.organization_id = m.organization_id and e.erased_at > m.started_at
  );
  -- In order, so that two inserts do not wait for each other in a circle.
  insert into chaperone.conversations as c (organization_id, conversation_id, user_id, session_id, first_call_at,
    last_call_at, calls, total_tokens, cost_usd, models)
  select m.organization_id, m.conversation_id, (array_agg(m.user_id order by m.started_at))[1],
    (array_agg(m.session_id order by m.started_at))[1], min(m.started_at), max(m.started_at), count(*),
    coalesce(sum(m.total_tokens), 0), coalesce(sum(m.cost_usd), 0),
    coalesce((array_agg(distinct m.model) filter (where m.model is not null))[:16], '{}')
  from made m
  where m.conversation_id is not null
    and (not has_late or chaperone.late_stranger(m.organization_id, m.user_id, m.started_at) is null)
  group by m.organization_id, m.conversation_id
  order by m.organization_id, m.conversation_id
  on conflict (organization_id, conversation_id) do update
    set first_call_at = least(c.first_call_at, excluded.first_call_at),
        last_call_at = greatest(c.last_call_at, excluded.last_call_at),
        calls = c.calls + excluded.calls,
        total_tokens = c.total_tokens + excluded.total_tokens,
        cost_usd = c.cost_usd + excluded.cost_usd,
        models = case when c.models @> excluded.models then c.models
          else (select array_agg(distinct model) from unnest(c.models || excluded.models) as u (model))[:16] end;
  insert into chaperone.conversation_branches as b (organization_id, conversation_id, branch_id, parent_digest,
    first_call_at, last_call_at, calls, total_tokens)
  select m.organization_id, m.conversation_id, m.branch_id, (array_agg(m.parent_digest order by m.started_at))[1],
    min(m.started_at), max(m.started_at), count(*), coalesce(sum(m.total_tokens), 0)
  from made m
  where m.conversation_id is not null and m.branch_id <> 'main'
    and (not has_late or chaperone.late_stranger(m.organization_id, m.user_id, m.started_at) is null)
  group by m.organization_id, m.conversation_id, m.branch_id
  order by m.organization_id, m.conversation_id, m.branch_id
  on conflict (organization_id, conversation_id, branch_id) do update
    set parent_digest = case when excluded.first_call_at < b.first_call_at then excluded.parent_digest else b.parent_digest end,
        first_call_at = least(b.first_call_at, excluded.first_call_at),
        last_call_at = greatest(b.last_call_at, excluded.last_call_at),
        calls = b.calls + excluded.calls,
        total_tokens = b.total_tokens + excluded.total_tokens;
  return null;
end
$$;
revoke all on function chaperone.note_conversations() from public;
