-- Copied from database/functions by `npm run generate`: edit those.

-- Drops a partition of `requests` or `request_contents` from which every organization that has rows in it keeps nothing any
-- more. That takes a lock that nobody else's work may be under, and who comes while it is waited for waits, too. So it counts
-- the rows before, and waits 30 ms for the lock first, then longer, half a second at most. Returns the name of the partition;
-- null where there is none to drop, or the lock could not be had.
create or replace function chaperone.drop_past_partition() returns text
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '500ms'
as $$
declare
  part record;
  needed boolean;
  counts jsonb;
  patience text;
  is_locked boolean := false;
begin
  for part in
    select format('chaperone.%I', c.relname) as name, p.relname as parent, c.relname as short,
      (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz as begins_at,
      (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz as ends_at
    from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      join pg_class p on p.oid = i.inhparent
    where p.oid in ('chaperone.requests'::regclass, 'chaperone.request_contents'::regclass)
    -- What was said goes first.
    order by p.relname, c.relname
  loop
    continue when part.ends_at is null or part.ends_at > now() - interval '1 day';
    execute format(
      'select exists (
         select from chaperone.organizations o
         where coalesce(chaperone.kept_from(o.organization_id), ''-infinity'') < $1
           and exists (select from %s r where r.organization_id = o.organization_id))', part.name)
      into needed using part.ends_at;
    continue when needed;
    execute format(
      'select jsonb_object_agg(organization_id, calls)
       from (select organization_id, count(*) as calls from %s group by organization_id) c', part.name) into counts;
    -- An empty month may still get records that come late, from a proxy that was away.
    continue when counts is null and part.ends_at > now() - interval '92 days';
    -- The sums do not have all of it yet.
    continue when exists (
      select from chaperone.unfolded_usage u, unnest(u.started_at) as noted (at)
      where noted.at >= part.begins_at and noted.at < part.ends_at);
    foreach patience in array array['30ms', '30ms', '30ms', '60ms', '60ms', '120ms', '250ms', '500ms'] loop
      begin
        perform set_config('lock_timeout', patience, true);
        execute format('lock table chaperone.%I in access exclusive mode', part.parent);
        is_locked := true;
      exception when lock_not_available then
        -- Who waited goes on meanwhile.
        perform pg_sleep(0.1);
      end;
      exit when is_locked;
    end loop;
    if not is_locked then
      return null;
    end if;
    perform set_config('lock_timeout', '500ms', true);
    begin
      -- Some have come since. Nothing else is tried while everybody waits.
      if exists (
        select from chaperone.unfolded_usage u, unnest(u.started_at) as noted (at)
        where noted.at >= part.begins_at and noted.at < part.ends_at
      ) then
        return null;
      end if;
      execute format('drop table %s', part.name);
    exception when lock_not_available then
      return null;
    end;
    perform chaperone.note_retention(o.key::uuid, case part.parent when 'requests' then 'calls' else 'contents' end,
        o.value::bigint)
      from jsonb_each_text(coalesce(counts, '{}')) o;
    return part.short;
  end loop;
  return null;
end
$$;
revoke all on function chaperone.drop_past_partition() from public;
grant execute on function chaperone.drop_past_partition() to chaperone_worker;

-- Whether a login has the settings of `organization_role_settings` and no others that a tenant could have made. Settings
-- that only a superuser can make do not count.
create or replace function chaperone.has_organization_role_settings(login name) returns boolean
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  with wanted as materialized (
    -- Once: it takes as long as all the rest, and every reconciliation of an Organization asks.
    select chaperone.organization_role_settings() as settings
  ), own as (
    select s.setdatabase, unnest(s.setconfig) as setting
    from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
    where r.rolname = login
  )
  select not exists (
      select from wanted, unnest(settings) expected
      where not exists (select from own where setdatabase = 0 and setting = expected))
    and not exists (
      select from own
      where (setdatabase <> 0 or setting <> all ((select settings from wanted)::text[]))
        and (split_part(setting, '=', 1) in ('role', 'session_authorization')
          or exists (select from pg_settings s where s.name = split_part(own.setting, '=', 1) and s.context = 'user')))
$$;
revoke all on function chaperone.has_organization_role_settings(name) from public;
