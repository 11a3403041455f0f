-- The pseudonyms of users in an organization's audit log, as entries name them. A user without one gets one. In something from
-- before the user's erasure, it is the anonymous user.
create or replace function chaperone.audit_pseudonyms_of(organization uuid, users jsonb)
  returns table (external_id text, at text, person text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
#variable_conflict use_column
declare
  one record;
  stranger uuid;
begin
  for one in select u.* from jsonb_to_recordset(users) as u (user_id uuid, external_id text, at text) loop
    external_id := one.external_id;
    at := one.at;
    stranger := chaperone.late_stranger(organization, one.user_id, one.at::timestamptz);
    if stranger is not null then
      person := 'erased-' || stranger;
    else
      insert into chaperone.audit_people as p (organization_id, external_id, salt, person)
        select organization, one.external_id, s.salt,
          'person:' || encode(sha256(s.salt || convert_to(one.external_id, 'UTF8')), 'hex')
        from (select uuid_send(gen_random_uuid()) as salt) s
        where not exists (
          select from chaperone.audit_people k where k.organization_id = organization and k.external_id = one.external_id)
        on conflict do nothing;
      select p.person into person
        from chaperone.audit_people p where p.organization_id = organization and p.external_id = one.external_id;
    end if;
    return next;
  end loop;
end
$$;
revoke all on function chaperone.audit_pseudonyms_of(uuid, jsonb) from public;
