-- The records of some days that the sums contain, with the columns by which the sums are grouped.
create or replace function chaperone.folded_records(organization uuid, days date[])
  returns table (user_id uuid, session_id text, kind text, day date, persona_id uuid, model text, requested_model text,
    is_unpriced boolean, input_tokens bigint, output_tokens bigint, total_tokens bigint, cost_usd numeric, duration_ms integer,
    cache_status text, avoided_cost_usd numeric, cache_savings_usd numeric)
  language sql stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
  select r.user_id, r.session_id, r.kind, (r.started_at at time zone 'UTC')::date,
    coalesce(r.persona_id, '00000000-0000-0000-0000-000000000000'), left(coalesce(r.model, r.requested_model, ''), 200),
    left(coalesce(r.requested_model, ''), 200),
    r.cost_usd is null and (r.status = 'completed' and r.operation <> 'moderations'
      or coalesce(r.total_tokens, r.images, r.audio_seconds, r.characters) is not null),
    r.input_tokens, r.output_tokens, r.total_tokens, r.cost_usd, r.duration_ms,
    r.cache_status, r.avoided_cost_usd, r.cache_savings_usd
  from unnest(days) d
    join chaperone.requests r
      on r.organization_id = organization and r.started_at >= d::timestamptz and r.started_at < (d + 1)::timestamptz
  where isfinite(d)
    and not exists (
      select from chaperone.unfolded_usage f where f.organization_id = organization and r.request_id = any (f.request_id))
$$;
revoke all on function chaperone.folded_records(uuid, date[]) from public;
