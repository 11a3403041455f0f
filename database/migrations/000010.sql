-- Parts of an answer that a later call may name: its items, the containers that they ran in, what was said aloud.
-- Whose they are, and which key they were made with, is said by the row.
alter table chaperone.requests add column kept_ids bigint[];
create index requests_kept_ids on chaperone.requests using gin (kept_ids);

-- Results of analyses have an age: the operator takes out what is older than the organization says, and what is too old
-- but still there gives way to the new one.
create index analysis_results_created_at on chaperone.analysis_results (organization_id, created_at);
grant update (result_encrypted, analysis_config_id, request_id, user_id, created_at) on chaperone.analysis_results
  to chaperone_tenant;

-- Who was erased, and when: what proxies still have in their spools from before arrives without the person. A digest of
-- the user's id stands for it, so nothing here names anybody.
create table chaperone.erased_users (
  organization_id uuid not null,
  user_digest bytea not null,
  -- Who stands in late records in the place of the user: another than in those that were there, so that no two sums of
  -- one session or one day meet.
  stranger uuid not null,
  erased_at timestamptz not null,
  primary key (organization_id, user_digest)
);
create index erased_users_erased_at on chaperone.erased_users (organization_id, erased_at);
alter table chaperone.erased_users enable row level security;
create policy tenant on chaperone.erased_users to chaperone_tenant
  using (organization_id = (select chaperone.current_organization_id()));
grant select on chaperone.erased_users to chaperone_tenant;

create function chaperone.user_digest(organization uuid, user_id uuid) returns bytea
  language sql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select sha256(uuid_send(organization) || uuid_send(user_id))
$$;
revoke all on function chaperone.user_digest(uuid, uuid) from public;
grant execute on function chaperone.user_digest(uuid, uuid) to chaperone_tenant;

-- Notes that a user is about to be erased. To be committed, and seen by all who write, before `erase_user` begins.
create function chaperone.note_erasure(erased uuid) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := chaperone.current_organization_id();
begin
  if not exists (select from chaperone.users u where u.organization_id = organization and u.user_id = erased) then
    return false;
  end if;
  insert into chaperone.erased_users as e (organization_id, user_digest, stranger, erased_at)
    values (organization, chaperone.user_digest(organization, erased), gen_random_uuid(), clock_timestamp())
    on conflict (organization_id, user_digest) do update set stranger = excluded.stranger, erased_at = excluded.erased_at;
  return true;
end
$$;
revoke all on function chaperone.note_erasure(uuid) from public;
grant execute on function chaperone.note_erasure(uuid) to chaperone_tenant;

-- Who stands in the place of a user in something from this time; null where the user was not erased since.
create function chaperone.late_stranger(organization uuid, user_id uuid, at timestamptz) returns uuid
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select e.stranger
  from chaperone.erased_users e
  where e.organization_id = organization and e.user_digest = chaperone.user_digest(organization, user_id)
    and e.erased_at > at
$$;
revoke all on function chaperone.late_stranger(uuid, uuid, timestamptz) from public;

create or replace function chaperone.note_usage() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  late record;
begin
  insert into chaperone.usage_pending (organization_id, started_at, request_id)
  select organization_id, array_agg(started_at), array_agg(request_id)
  from made
  group by organization_id;
  -- Hardly ever: nothing else is looked at for those who were erased.
  if not exists (
    select
    from (select organization_id, min(started_at) as started_at from made group by organization_id) m
      join chaperone.erased_users e on e.organization_id = m.organization_id and e.erased_at > m.started_at
  ) then
    return null;
  end if;
  for late in
    select m.organization_id, e.stranger, array_agg(m.started_at) as started_at, array_agg(m.request_id) as request_id
    from made m
      join chaperone.erased_users e
        on e.organization_id = m.organization_id and e.erased_at > m.started_at
          and e.user_digest = chaperone.user_digest(m.organization_id, m.user_id)
    group by m.organization_id, e.stranger
  loop
    delete from chaperone.request_contents c
      using unnest(late.started_at, late.request_id) as l (started_at, request_id)
      where c.organization_id = late.organization_id and c.started_at = l.started_at and c.request_id = l.request_id;
    update chaperone.requests r
      set user_id = late.stranger, session_id = 'erased-' || md5(r.session_id || late.stranger)
      from unnest(late.started_at, late.request_id) as l (started_at, request_id)
      where r.organization_id = late.organization_id and r.started_at = l.started_at and r.request_id = l.request_id;
    insert into chaperone.users (organization_id, user_id, external_id, is_active)
      values (late.organization_id, late.stranger, 'erased-' || late.stranger, false)
      on conflict do nothing;
  end loop;
  return null;
end
$$;

-- The same for what comes one by one.
create function chaperone.forget_late() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  stranger uuid;
begin
  case tg_table_name
    when 'pending_calls' then
      stranger := chaperone.late_stranger(new.organization_id, (new.record ->> 'user_id')::uuid, new.started_at);
      if stranger is not null then
        new.record := (new.record::jsonb || jsonb_build_object('user_id', stranger, 'user_external_id', null,
          'input_sealed', null, 'session_id', 'erased-' || md5((new.record ->> 'session_id') || stranger)))::json;
      end if;
    when 'analysis_results' then
      -- One that was being made meanwhile. What is not kept is only made again.
      if chaperone.late_stranger(new.organization_id, new.user_id, now() - interval '1 hour') is not null then
        return null;
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
create trigger forget_late before insert on chaperone.pending_calls
  for each row execute function chaperone.forget_late();
create trigger forget_late before insert on chaperone.owned_resources
  for each row execute function chaperone.forget_late();
create trigger forget_late before insert on chaperone.analysis_results
  for each row execute function chaperone.forget_late();
create trigger forget_late before insert on chaperone.ratings for each row execute function chaperone.forget_late();
create trigger forget_late before insert on chaperone.rating_history
  for each row execute function chaperone.forget_late();
