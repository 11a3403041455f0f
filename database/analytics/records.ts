import { nobody } from '../ids.ts';
import type { CallAttributes, UsageFilter } from './filter.ts';

const columns = {
  clientName: 'client_name',
  clientVersion: 'client_version',
  safetyIdentifier: 'safety_identifier',
  endUser: 'end_user',
} as const satisfies Record<keyof CallAttributes, string>;

const names = Object.keys(columns) as (keyof CallAttributes)[];

/** Selects the records with the attributes of a filter; its parameters are `attributeValues`, from `$first` on. */
export function hasAttributes({ attributes }: UsageFilter, first: number): string {
  const stated = names.filter((name) => attributes?.[name] != null);
  return stated.map((name, index) => `${columns[name]} = $${first + index}::text`).join(' and ') || 'true';
}

/** The last parameters of a query: it has none where the filter names no attribute. */
export function attributeValues({ attributes }: UsageFilter): string[] {
  return names.flatMap((name) => attributes?.[name] ?? []);
}

export const startOfDay = (day: string) => `(${day})::timestamp at time zone 'UTC'`;

/** By the same rules as a fold adds records up (`fold_some_usage_of`). */
const persona = `coalesce(persona_id, '${nobody}'::uuid)`;
const model = `left(coalesce(model, requested_model, ''), 200)`;
const requestedModel = `left(coalesce(requested_model, ''), 200)`;
const isUnpriced = `(cost_usd is null and (status = 'completed' and operation <> 'moderations'
      or coalesce(total_tokens, images, audio_seconds, characters) is not null))`;

/** The parameters of a query, as conditions name them. */
interface Parameters {
  readonly organization: string;
  readonly firstDay: string;
  readonly lastDay: string;
  readonly kind: string;
  readonly user: string;
  readonly persona: string;
  readonly model: string;
}

const selected = (filter: UsageFilter, parameters: Parameters, firstAttribute: number) => `
    organization_id = ${parameters.organization}::uuid and started_at >= ${startOfDay(`${parameters.firstDay}::date`)}
      and started_at < ${startOfDay(`${parameters.lastDay}::date + 1`)}
      and (${parameters.kind}::text is null or kind = ${parameters.kind}::text)
      and (${parameters.user}::uuid is null or user_id = ${parameters.user}::uuid)
      and (${parameters.persona}::uuid is null or ${persona} = ${parameters.persona}::uuid)
      and (${parameters.model}::text is null or ${model} = ${parameters.model}::text
        or ${requestedModel} = ${parameters.model}::text)
      and ${hasAttributes(filter, firstAttribute)}`;

/**
 * The records that a filter with attributes selects, each with the columns of `daily_usage`: the sums do not tell
 * attributes apart. `$2`, the grain, chooses nothing here.
 */
export function recordsAsUsage(filter: UsageFilter, firstAttribute: number): string {
  const parameters = {
    ...{ organization: '$1', firstDay: '$3', lastDay: '$4' },
    ...{ kind: '$5', user: '$6', persona: '$7', model: '$8' },
  };
  return `(
    select kind, user_id, ${persona} as persona_id, (started_at at time zone 'UTC')::date as day, ${model} as model,
      ${requestedModel} as requested_model, (status = 'completed')::integer as completed_count,
      (status = 'failed')::integer as failed_count, (status = 'cancelled')::integer as cancelled_count,
      (status = 'interrupted')::integer as interrupted_count, ${isUnpriced}::integer as unpriced_count,
      coalesce(input_tokens, 0) as input_tokens, coalesce(output_tokens, 0) as output_tokens,
      coalesce(total_tokens, 0) as total_tokens, coalesce(cost_usd, 0) as cost_usd,
      coalesce(duration_ms, 0) as duration_ms, (duration_ms is not null)::integer as duration_count,
      started_at as last_request_at, client_name, client_version,
      (cache_status is not distinct from 'hit')::integer as cache_hit_count,
      (cache_status is not distinct from 'miss')::integer as cache_miss_count,
      (cache_status is not distinct from 'hit' and avoided_cost_usd is null)::integer as unpriced_hit_count,
      coalesce(avoided_cost_usd, 0) as avoided_cost_usd, coalesce(cache_savings_usd, 0) as cache_savings_usd
    from chaperone.requests
    where $2::text is not null and ${selected(filter, parameters, firstAttribute)}
  ) usage`;
}

/** The same with the columns of `session_usage`; `$1` to `$7` as in sessions.ts. */
export function recordsAsSessions(filter: UsageFilter, firstAttribute: number): string {
  const parameters = {
    ...{ organization: '$1', firstDay: '$2', lastDay: '$3' },
    ...{ kind: '$4', user: '$5', persona: '$6', model: '$7' },
  };
  return `(
    select user_id, session_id, ${model} as model, ${requestedModel} as requested_model, ${isUnpriced}::integer as unpriced_count,
      coalesce(total_tokens, 0) as total_tokens, coalesce(cost_usd, 0) as cost_usd, started_at
    from chaperone.requests
    where ${selected(filter, parameters, firstAttribute)}
  ) record`;
}
