-- The record of a call as the anonymous user's: without the names, contents and attributes of the person.
create or replace function chaperone.anonymous_record(record json, stranger uuid) returns json
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  select (record::jsonb || jsonb_build_object('user_id', stranger, 'user_external_id', null,
    'session_id', 'erased-' || md5((record ->> 'session_id') || stranger), 'turn_id', null, 'input_sealed', null,
    'output_sealed', null, 'client_name', null, 'client_version', null, 'safety_identifier', null,
    'end_user', null, 'conversation_id', null, 'branch_id', null, 'message_digest', null, 'parent_digest', null))::json
$$;
revoke all on function chaperone.anonymous_record(json, uuid) from public;
