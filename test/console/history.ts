import type { Client } from 'pg';
import { userIdOf } from '../../database/ids.ts';
import { ensureRequestPartitions } from '../../database/requests.ts';

const dayMs = 86_400_000;
export const days = 60;

export const people = [
  ...['ada@example.com', 'grace@example.com', 'linus@example.com', 'margaret@example.com', 'alan@example.com'],
  ...['radia@example.com', 'barbara@example.com', 'ken@example.com', 'hedy@example.com', 'tim@example.com'],
];

/**
 * Gives an organization calls of the last days, as a company would have: more by day than by night, fewer at weekends, a
 * few failures, some with a second attempt. All of it derives from numbers, so that pictures are alike.
 */
export async function addHistory(owner: Client, organizationId: string, perHour: number): Promise<void> {
  const now = Date.now();
  const ids = people.map((user) => userIdOf(organizationId, user));
  await owner.query(
    `insert into chaperone.users (organization_id, user_id, external_id)
     select $1::uuid, user_id, external_id from unnest($2::uuid[], $3::text[]) u (user_id, external_id)
     on conflict do nothing`,
    [organizationId, ids, people],
  );
  for (let day = 0; day <= days; day += 15) await ensureRequestPartitions(owner, new Date(now - day * dayMs));
  await owner.query(insertCalls, [organizationId, new Date(now - days * dayMs), new Date(now - 60_000), perHour, ids]);
  await owner.query('select chaperone.fold_usage_of($1::uuid, true)', [organizationId]);
}

const unit = (salt: number) => `((hashint8(n * 7919 + ${salt}) & 2147483647) / 2147483648.0)::float8`;

const insertCalls = `
  insert into chaperone.requests (organization_id, request_id, started_at, kind, operation, user_id, session_id, provider,
    requested_model, model, is_stream, status, http_status, error_code, response_id, input_tokens, cached_input_tokens,
    output_tokens, reasoning_tokens, total_tokens, cost_usd, duration_ms, time_to_first_token_ms, client_name,
    client_version, guardrail_hits, attempts, namespace, workload)
  select $1::uuid, 'req_' || lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || substr(md5('call ' || n), 1, 20),
    date_trunc('milliseconds', at), 'call', operation, ($5::uuid[])[1 + floor(who * who * cardinality($5::uuid[]))::integer],
    'sess_' || substr(md5('session ' || n / 6), 1, 20), 'openai', model, model, luck < 0.6, status,
    case when status = 'failed' then 429 else 200 end, case when status = 'failed' then 'rate_limit_exceeded' end,
    'resp_' || md5('answer ' || n), tokens, tokens / 4, case when is_embedding then 0 else tokens / 3 end, 0,
    tokens + case when is_embedding then 0 else tokens / 3 end,
    case when status = 'completed' then round((tokens * price)::numeric, 9) end,
    round(220 + luck * 2600 + power(slow, 14) * 9000)::integer, case when luck < 0.6 then round(140 + slow * 300)::integer end,
    (array['OpenAI/Python', 'OpenAI/JS', 'codex_cli_rs'])[1 + n % 3], (array['2.15.0', '7.57.0', '0.171.0'])[1 + n % 3],
    case when slow > 0.985 then array['personal-data'] end,
    case when slow > 0.97 and slow <= 0.985 then '[{"provider": "openai", "api_key_id": "00000000-0000-0000-0000-000000000000", "kind": "server_error", "reason": "server_error", "http_status": 503, "duration_ms": 180}]'::jsonb end,
    (array['shop', 'shop', 'research'])[1 + n % 3], (array['checkout', 'search', 'notebooks'])[1 + n % 3]
  from (
    select n, at, who, luck, slow, model, model like 'text%' as is_embedding,
      case when model like 'text%' then 'embeddings' when n % 4 = 0 then 'chat' else 'responses' end as operation,
      case when luck > 0.982 then 'failed' when luck > 0.976 then 'cancelled' else 'completed' end as status,
      (60 + floor(slow * 2400))::bigint as tokens,
      (case model when 'gpt-4o' then 0.0000058 when 'gpt-4.1' then 0.0000046 when 'gpt-4o-mini' then 0.00000034 else 0.00000002 end)::float8 as price
    from (
      select n, hour + ${unit(1)} * interval '1 hour' as at, ${unit(2)} as who, ${unit(3)} as luck, ${unit(4)} as slow,
        (array['gpt-4o-mini', 'gpt-4o', 'gpt-4.1', 'text-embedding-3-small'])[1 + floor(power(${unit(5)}, 1.7) * 4)::integer] as model
      from (
        select hour, (row_number() over (order by hour, call))::bigint as n
        from generate_series(date_trunc('hour', $2::timestamptz), $3::timestamptz, interval '1 hour') hour
          cross join lateral generate_series(1, greatest(1, round($4::float8
            * (0.35 + 0.65 * sin(pi() * extract(hour from hour)::float8 / 24) ^ 2)
            * case when extract(isodow from hour) > 5 then 0.35 else 1 end
            * (0.8 + 0.4 * (hashint8(extract(epoch from hour)::bigint / 3600) & 1023) / 1023.0)))::integer) call
      ) numbered
    ) drawn
  ) made
  where at < $3::timestamptz
  order by at`;
