-- Erases what arrives one row at a time about a user who was erased meanwhile.
create or replace function chaperone.forget_late() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
declare
  stranger uuid;
begin
  case tg_table_name
    when 'pending_calls', 'job_intents' then
      stranger := chaperone.late_stranger(new.organization_id, (new.record ->> 'user_id')::uuid, new.started_at);
      if stranger is not null then
        new.record := chaperone.anonymous_record(new.record, stranger);
      end if;
    when 'analysis_results' then
      -- One that was being made meanwhile. What is not kept is only made again.
      if chaperone.late_stranger(new.organization_id, new.user_id, now() - interval '1 hour') is not null then
        return null;
      end if;
    when 'guardrail_blocks' then
      stranger := chaperone.late_stranger(new.organization_id, new.user_id, new.started_at);
      if stranger is not null then
        new.user_id := stranger;
        new.session_id := 'erased-' || md5(new.session_id || stranger);
        new.turn_id := null;
      end if;
    when 'owned_resources' then
      stranger := chaperone.late_stranger(new.organization_id, new.user_id, new.created_at);
      new.user_id := coalesce(stranger, new.user_id);
    else
      stranger := chaperone.late_stranger(new.organization_id, new.rated_by, new.rated_at);
      if stranger is not null then
        new.rated_by := stranger;
        new.feedback := null;
      end if;
      if tg_table_name = 'ratings' then
        new.user_id := coalesce(chaperone.late_stranger(new.organization_id, new.user_id, new.rated_at), new.user_id);
      end if;
  end case;
  return new;
end
$$;
revoke all on function chaperone.forget_late() from public;
