-- Erases a person from the organization's records: it deletes contents, feedback and names, and puts the anonymous user of
-- `note_erasure` in the person's place. The id changes too, because anyone who knows the external id can compute it. Returns
-- the new id; null where there is no such user. Call `note_erasure` first.
create or replace function chaperone.erase_user(erased uuid) returns uuid
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '60s'
as $$
declare
  organization uuid := chaperone.current_organization_id();
  stranger uuid;
  external_name text;
  place record;
begin
  select u.external_id into external_name
    from chaperone.users u where u.organization_id = organization and u.user_id = erased for update;
  if not found then
    return null;
  end if;
  -- A fold under way still adds to the sums of the user.
  insert into chaperone.fold_turns (organization_id) values (organization) on conflict do nothing;
  perform from chaperone.fold_turns where organization_id = organization for update;
  -- What arrives later gets the same anonymous user. Where something has arrived since the note, and is in the sums already,
  -- that keeps its user, since nobody can merge the sums of two.
  select e.stranger into stranger
    from chaperone.erased_users e
    where e.organization_id = organization and e.user_digest = chaperone.user_digest(organization, erased);
  if exists (select from chaperone.session_usage s where s.organization_id = organization and s.user_id = stranger) then
    update chaperone.erased_users e set stranger = gen_random_uuid()
      where e.organization_id = organization and e.user_digest = chaperone.user_digest(organization, erased)
      returning e.stranger into stranger;
  end if;
  stranger := coalesce(stranger, gen_random_uuid());
  delete from chaperone.request_contents c
    using chaperone.requests r
    where r.organization_id = organization and r.user_id = erased
      and c.organization_id = organization and c.started_at = r.started_at and c.request_id = r.request_id;
  -- The id of a call begins with its time.
  delete from chaperone.request_contents c
    using chaperone.quoting_calls q
    where q.organization_id = organization and q.user_digest = chaperone.user_digest(organization, erased)
      and c.organization_id = organization and c.request_id = q.request_id
      and c.started_at = to_timestamp(('x0000' || substr(q.request_id, 5, 12))::bit(64)::bigint / 1000.0);
  -- Of a call that goes on, what is known so far becomes its record. Without the input its output is not kept either.
  update chaperone.pending_calls p
    set record = chaperone.anonymous_record(p.record, stranger)
    where p.organization_id = organization and p.record ->> 'user_id' = erased::text;
  update chaperone.job_intents i
    set record = chaperone.anonymous_record(i.record, stranger)
    where i.organization_id = organization and i.record ->> 'user_id' = erased::text;
  -- Analyses go with their conversations, and so does what the models were told for them, whoever asked. The id of a call
  -- begins with its time.
  delete from chaperone.request_contents c
    using chaperone.conversations v, chaperone.conversation_analyses a, chaperone.job_calls j
    where v.organization_id = organization and v.user_id = erased
      and a.organization_id = organization and a.conversation_id = v.conversation_id
      and j.organization_id = organization and j.job_id = a.job_id
      and c.organization_id = organization and c.request_id = j.request_id
      and c.started_at = to_timestamp(('x0000' || substr(j.request_id, 5, 12))::bit(64)::bigint / 1000.0);
  update chaperone.conversation_analyses a set requested_by = null
    where a.organization_id = organization and a.requested_by = external_name;
  -- Which calls belonged together goes with what was said in them. A conversation is one user's.
  delete from chaperone.conversation_branches b
    using chaperone.conversations c
    where c.organization_id = organization and c.user_id = erased
      and b.organization_id = organization and b.conversation_id = c.conversation_id;
  delete from chaperone.conversations c where c.organization_id = organization and c.user_id = erased;
  delete from chaperone.support_messages m
    using chaperone.support_conversations c
    where c.organization_id = organization and c.user_id = erased
      and m.organization_id = organization and m.conversation_id = c.conversation_id;
  delete from chaperone.support_conversations c where c.organization_id = organization and c.user_id = erased;
  delete from chaperone.logins l where l.organization_id = organization and l.account_id = erased;
  delete from chaperone.login_attempts a where a.organization_id = organization and a.account_id = erased;
  delete from chaperone.anonymizations a where a.organization_id = organization and a.user_id = erased;
  delete from chaperone.text_batches b where b.organization_id = organization and b.user_id = erased;
  -- What people review of the person's words goes with what they have said about it.
  delete from chaperone.review_decisions d
    using chaperone.review_items i
    where i.organization_id = organization and i.about_user_id = erased
      and d.organization_id = organization and d.item_id = i.item_id;
  delete from chaperone.review_comments c
    using chaperone.review_items i
    where i.organization_id = organization and i.about_user_id = erased
      and c.organization_id = organization and c.item_id = i.item_id;
  delete from chaperone.review_items i where i.organization_id = organization and i.about_user_id = erased;
  -- And what the person, as a reviewer, has said about others' words. That they have decided stays.
  update chaperone.review_items i set claimed_by = null, claimed_until = null
    where i.organization_id = organization and i.claimed_by = erased;
  update chaperone.review_decisions d set contents_encrypted = null
    where d.organization_id = organization and d.user_id = erased;
  delete from chaperone.review_comments c where c.organization_id = organization and c.user_id = erased;
  -- Clients name texts, so nobody knows which of the last alerts are about the person.
  delete from chaperone.live_events e where e.organization_id = organization;
  delete from chaperone.analysis_results where organization_id = organization and user_id = erased;
  -- What is on its way to webhooks about the person is not delivered.
  delete from chaperone.webhook_deliveries d
    using chaperone.webhook_events e
    where e.organization_id = organization and e.user_id = erased
      and d.organization_id = organization and d.event_id = e.event_id;
  delete from chaperone.webhook_events e where e.organization_id = organization and e.user_id = erased;
  -- Nobody knows which of the answers that may be replayed say something about the person, so all of them go.
  perform from chaperone.cached_bytes b where b.organization_id = organization for update;
  delete from chaperone.cached_answers a where a.organization_id = organization;
  update chaperone.cached_bytes b set bytes = 0 where b.organization_id = organization;
  -- Nor which of the answers that are kept for a repeated request.
  delete from chaperone.idempotent_answers a where a.organization_id = organization;
  update chaperone.ratings set feedback = null where organization_id = organization and rated_by = erased;
  update chaperone.rating_history set feedback = null where organization_id = organization and rated_by = erased;
  -- Clients name sessions and turns, so those names go, too.
  update chaperone.requests r
    set session_id = 'erased-' || md5(r.session_id || stranger), turn_id = null, client_name = null,
        client_version = null, safety_identifier = null, end_user = null, conversation_id = null, branch_id = null,
        message_digest = null, parent_digest = null
    where r.organization_id = organization and r.user_id = erased;
  -- Calls of somebody else's in which the person is named.
  update chaperone.requests r set safety_identifier = null
    where r.organization_id = organization and r.safety_identifier = external_name;
  update chaperone.requests r set end_user = null
    where r.organization_id = organization and r.end_user = external_name;
  update chaperone.pending_calls p
    set record = (p.record::jsonb || jsonb_build_object('safety_identifier', nullif(p.record ->> 'safety_identifier', external_name),
      'end_user', nullif(p.record ->> 'end_user', external_name)))::json
    where p.organization_id = organization and external_name in (p.record ->> 'safety_identifier', p.record ->> 'end_user');
  update chaperone.job_intents i
    set record = (i.record::jsonb || jsonb_build_object('safety_identifier', nullif(i.record ->> 'safety_identifier', external_name),
      'end_user', nullif(i.record ->> 'end_user', external_name)))::json
    where i.organization_id = organization and external_name in (i.record ->> 'safety_identifier', i.record ->> 'end_user');
  update chaperone.sessions s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_facets s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_usage s set session_id = 'erased-' || md5(s.session_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_costs s set session_id = 'erased-' || md5(s.session_id || stranger), turn_id = null
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.session_turns s set session_id = 'erased-' || md5(s.session_id || stranger),
      turn_id = 'erased-' || md5(s.turn_id || stranger)
    where s.organization_id = organization and s.user_id = erased;
  update chaperone.guardrail_blocks b set session_id = 'erased-' || md5(b.session_id || stranger), turn_id = null
    where b.organization_id = organization and b.user_id = erased;
  -- What is said in feedback is said of the person's session, or by the person.
  update chaperone.feedback f set category = null, contents_encrypted = null
    where f.organization_id = organization and (f.user_id = erased or f.rated_by = erased);
  update chaperone.feedback f set session_id = 'erased-' || md5(f.session_id || stranger), turn_id = null, message_id = null
    where f.organization_id = organization and f.user_id = erased;
  -- What a rule counts of the person, or of one of the person's sessions.
  update chaperone.quota_counters c
    set scope = stranger || case when c.per = 'Session' then '/erased-' || md5(substr(c.scope, 38) || stranger) else '' end
    where c.organization_id = organization and c.per in ('User', 'Session') and left(c.scope, 36) = erased::text;
  -- The entries of the audit log have only the pseudonym, which says nothing from now on.
  delete from chaperone.audit_people p where p.organization_id = organization and p.external_id = external_name;
  -- What has arrived since the note may have made the anonymous user. The update tells proxies of it.
  insert into chaperone.users (organization_id, user_id, external_id, is_active, created_at)
    select organization, stranger, 'erased-' || stranger, false, u.created_at
    from chaperone.users u where u.organization_id = organization and u.user_id = erased
    on conflict do nothing;
  update chaperone.users u set is_active = false, updated_at = now()
    where u.organization_id = organization and u.user_id = stranger;
  delete from chaperone.users u where u.organization_id = organization and u.user_id = erased;
  for place in
    select c.oid::regclass as owner, a.attname as name
    from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname in ('user_id', 'rated_by') and not a.attisdropped
    where c.relnamespace = 'chaperone'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
  loop
    execute format('update %s set %I = $1 where organization_id = $2 and %I = $3', place.owner, place.name, place.name)
      using stranger, organization, erased;
  end loop;
  -- Nobody can edit deleted configuration. These updates come last, because they lock the organization's configuration.
  update chaperone.api_keys k set user_external_id = null
    where k.organization_id = organization and k.deleted_at is not null and k.user_external_id = external_name;
  update chaperone.personas p set users = array_remove(p.users, external_name)
    where p.organization_id = organization and p.deleted_at is not null and external_name = any (p.users);
  return stranger;
end
$$;
revoke all on function chaperone.erase_user(uuid) from public;
grant execute on function chaperone.erase_user(uuid) to chaperone_tenant;
