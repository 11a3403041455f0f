-- Removes figures outside their bounds, and the costs computed from them, from the records of one partition. Then it
-- corrects the sums of those days. Returns how many records it changed, by organization.
create or replace function chaperone.neutralise_figures(part regclass) returns table (organization_id uuid, records bigint)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set datestyle = 'ISO, YMD'
  set lock_timeout = '10s'
as $$
#variable_conflict use_column
declare
  assignments text;
  bounds text;
  changed record;
begin
  select string_agg(format('%1$I = case when %1$I between 0 and %2$s then %1$I end', name, most), ', '),
    string_agg(format('coalesce(%I between 0 and %s, true)', name, most), ' and ')
    into assignments, bounds
  from chaperone.figure_bounds() where name <> 'cost_usd';
  for changed in execute format(
    'with changed as (
       update %1$s set %2$s, cost_usd = case when %3$s and cost_usd between 0 and 10000000 then cost_usd end
       where not (%3$s and coalesce(cost_usd between 0 and 10000000, true))
       returning organization_id, (started_at at time zone ''UTC'')::date as day
     )
     select organization_id, array_agg(distinct day) as days, count(*) as records from changed group by 1',
    part, assignments, bounds)
  loop
    perform chaperone.fold_some_usage_of(changed.organization_id, true, null);
    perform chaperone.sum_usage_again(changed.organization_id, changed.days);
    organization_id := changed.organization_id;
    records := changed.records;
    return next;
  end loop;
end
$$;
revoke all on function chaperone.neutralise_figures(regclass) from public;
