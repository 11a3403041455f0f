import type { Queryable } from './queryable.ts';

/** What calls of a model were like, to bound the next ones. Null: not known. */
export interface CallBounds {
  readonly operation: string;
  /** Empty: the calls name none. */
  readonly model: string;
  /** The most tokens that a byte of text was. */
  readonly tokensPerByte: number | null;
  /** Of 99 of 100 answers. */
  readonly outputTokens: number | null;
  /** The tokens of what 99 of 100 calls only refer to. */
  readonly referredTokens: number | null;
  /** The cost of 99 of 100 calls whose cost does not follow from their body, in 10^-9 dollars. */
  readonly nanoUsd: number | null;
}

/** A proxy remembers no more either. */
const most = 1_000;

/** Tells the organization's proxies what calls were like. Within a day, the highest of what proxies have seen counts. */
export async function noteCallBounds(
  db: Queryable,
  organizationId: string,
  bounds: readonly CallBounds[],
): Promise<void> {
  await db.query(
    `insert into chaperone.call_bounds as b
       (organization_id, operation, model, tokens_per_byte, output_tokens, referred_tokens, nano_usd)
     select $1::uuid, operation, model, "tokensPerByte", "outputTokens", "referredTokens", "nanoUsd"
     from jsonb_to_recordset($2::jsonb) as r (operation text, model text, "tokensPerByte" float8, "outputTokens" bigint,
       "referredTokens" bigint, "nanoUsd" bigint)
     order by operation, model
     on conflict (organization_id, operation, model) do update set
       tokens_per_byte = case when b.since < now() - interval '1 day' then excluded.tokens_per_byte
         else greatest(b.tokens_per_byte, excluded.tokens_per_byte) end,
       output_tokens = case when b.since < now() - interval '1 day' then excluded.output_tokens
         else greatest(b.output_tokens, excluded.output_tokens) end,
       referred_tokens = case when b.since < now() - interval '1 day' then excluded.referred_tokens
         else greatest(b.referred_tokens, excluded.referred_tokens) end,
       nano_usd = case when b.since < now() - interval '1 day' then excluded.nano_usd
         else greatest(b.nano_usd, excluded.nano_usd) end,
       since = case when b.since < now() - interval '1 day' then now() else b.since end`,
    [organizationId, JSON.stringify(bounds)],
  );
}

/** Reads what the organization's proxies have told, the newest first. */
export async function readCallBounds(db: Queryable, organizationId: string): Promise<CallBounds[]> {
  const { rows } = await db.query<CallBounds>(
    `select operation, model, tokens_per_byte as "tokensPerByte", output_tokens::float8 as "outputTokens",
       referred_tokens::float8 as "referredTokens", nano_usd::float8 as "nanoUsd"
     from chaperone.call_bounds
     where organization_id = $1::uuid
     order by since desc
     limit ${most}`,
    [organizationId],
  );
  return rows;
}
