-- How many items of each organization people are to review, and for how many seconds the oldest has waited: for the metrics
-- of workers.
create or replace function chaperone.review_depths()
  returns table (organization text, queued integer, in_review integer, oldest_seconds double precision)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
as $$
  select o.name, (count(*) filter (where i.claimed_until is null or i.claimed_until <= clock_timestamp()))::integer,
    (count(*) filter (where i.claimed_until > clock_timestamp()))::integer,
    extract(epoch from clock_timestamp() - min(i.created_at))::float8
  from chaperone.review_items i
    join chaperone.organizations o on o.organization_id = i.organization_id
  where i.status = 'queued' and o.deleted_at is null
  group by o.name
$$;
revoke all on function chaperone.review_depths() from public;
grant execute on function chaperone.review_depths() to chaperone_worker;
