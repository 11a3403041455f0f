-- How much of its counter a lease withholds from others. While it lasts, all that was granted. From then on, what its proxy
-- had used or reserved: its records may still arrive. After an hour, what its records say. A proxy that has gone runs no
-- calls, so a place for a concurrent call is free at once.
create or replace function chaperone.quota_held(
  unit text, granted bigint, spent bigint, settled bigint, expires_at timestamptz, at timestamptz) returns bigint
  language sql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when unit = 'concurrent' then case when expires_at > at then greatest(granted, spent) else 0 end
    when expires_at > at then greatest(granted, spent, settled)
    when expires_at > at - interval '1 hour' then greatest(spent, settled)
    else settled
  end
$$;
revoke all on function chaperone.quota_held(text, bigint, bigint, bigint, timestamptz, timestamptz) from public;
grant execute on function chaperone.quota_held(text, bigint, bigint, bigint, timestamptz, timestamptz) to chaperone_tenant;
