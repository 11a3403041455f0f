-- Computes the sums of some days again from their records. The caller must hold the organization's row of fold_turns.
create or replace function chaperone.sum_usage_again(organization uuid, days date[]) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  highest constant numeric := 9000000000000000000;
begin
  update chaperone.daily_usage u
  set unpriced_count = f.unpriced_count, input_tokens = f.input_tokens, output_tokens = f.output_tokens,
      total_tokens = f.total_tokens, cost_usd = f.cost_usd, duration_ms = f.duration_ms, duration_count = f.duration_count,
      unpriced_hit_count = f.unpriced_hit_count, avoided_cost_usd = f.avoided_cost_usd,
      cache_savings_usd = f.cache_savings_usd
  from (
    select case grouping(r.user_id, r.persona_id) when 0 then 'both' when 1 then 'user' else 'persona' end as grain, r.day,
      r.kind, coalesce(r.user_id, nobody) as user_id, coalesce(r.persona_id, nobody) as persona_id, r.model,
      r.requested_model, count(*) filter (where r.is_unpriced) as unpriced_count,
      least(coalesce(sum(r.input_tokens), 0), highest) as input_tokens,
      least(coalesce(sum(r.output_tokens), 0), highest) as output_tokens,
      least(coalesce(sum(r.total_tokens), 0), highest) as total_tokens, coalesce(sum(r.cost_usd), 0) as cost_usd,
      coalesce(sum(r.duration_ms), 0) as duration_ms, count(r.duration_ms) as duration_count,
      count(*) filter (where r.cache_status = 'hit' and r.avoided_cost_usd is null) as unpriced_hit_count,
      coalesce(sum(r.avoided_cost_usd), 0) as avoided_cost_usd, coalesce(sum(r.cache_savings_usd), 0) as cache_savings_usd
    from chaperone.folded_records(organization, days) r
    group by r.day, r.kind, r.model, r.requested_model, grouping sets ((r.user_id, r.persona_id), (r.user_id), (r.persona_id))
  ) f
  where u.organization_id = organization and u.grain = f.grain and u.day = f.day and u.kind = f.kind
    and u.user_id = f.user_id and u.persona_id = f.persona_id and u.model = f.model
    and u.requested_model = f.requested_model;

  update chaperone.weekly_usage u
  set unpriced_count = f.unpriced_count, input_tokens = f.input_tokens, output_tokens = f.output_tokens,
      total_tokens = f.total_tokens, cost_usd = f.cost_usd, duration_ms = f.duration_ms, duration_count = f.duration_count,
      unpriced_hit_count = f.unpriced_hit_count, avoided_cost_usd = f.avoided_cost_usd,
      cache_savings_usd = f.cache_savings_usd
  from (
    select d.grain, date_trunc('week', d.day::timestamp)::date as week, d.kind, d.user_id, d.persona_id, d.model,
      d.requested_model, sum(d.unpriced_count) as unpriced_count, least(sum(d.input_tokens), highest) as input_tokens,
      least(sum(d.output_tokens), highest) as output_tokens, least(sum(d.total_tokens), highest) as total_tokens,
      sum(d.cost_usd) as cost_usd, least(sum(d.duration_ms), highest) as duration_ms,
      sum(d.duration_count) as duration_count, sum(d.unpriced_hit_count) as unpriced_hit_count,
      sum(d.avoided_cost_usd) as avoided_cost_usd, sum(d.cache_savings_usd) as cache_savings_usd
    from chaperone.daily_usage d
    where d.organization_id = organization
      and date_trunc('week', d.day::timestamp)::date
        = any (array(select date_trunc('week', day::timestamp)::date from unnest(days) day))
    group by 1, 2, d.kind, d.user_id, d.persona_id, d.model, d.requested_model
  ) f
  where u.organization_id = organization and u.grain = f.grain and u.week = f.week and u.kind = f.kind
    and u.user_id = f.user_id and u.persona_id = f.persona_id and u.model = f.model
    and u.requested_model = f.requested_model;

  update chaperone.session_usage u
  set unpriced_count = f.unpriced_count, total_tokens = f.total_tokens, cost_usd = f.cost_usd
  from (
    select r.user_id, r.session_id, r.kind, r.day, coalesce(r.persona_id, nobody) as persona_id, r.model, r.requested_model,
      count(*) filter (where r.is_unpriced) as unpriced_count,
      least(coalesce(sum(r.total_tokens), 0), highest) as total_tokens, coalesce(sum(r.cost_usd), 0) as cost_usd
    from chaperone.folded_records(organization, days) r
    group by r.user_id, r.session_id, r.kind, r.day, 5, r.model, r.requested_model
  ) f
  where u.organization_id = organization and u.user_id = f.user_id and u.session_id = f.session_id and u.kind = f.kind
    and u.day = f.day and u.persona_id = f.persona_id and u.model = f.model and u.requested_model = f.requested_model;
end
$$;
revoke all on function chaperone.sum_usage_again(uuid, date[]) from public;
