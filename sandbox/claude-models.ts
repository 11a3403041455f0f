import type { JsonObject } from './json.ts';
import { ProviderError } from './provider-error.ts';

/** Anthropic's models: an alias, the dated model that answers it, and the day it came. The last ones have no dated names. */
const known: readonly [alias: string, answeredBy: string, created: string][] = [
  ['claude-3-5-haiku-latest', 'claude-3-5-haiku-20241022', '2024-10-22'],
  ['claude-opus-4-1', 'claude-opus-4-1-20250805', '2025-08-05'],
  ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929', '2025-09-29'],
  ['claude-haiku-4-5', 'claude-haiku-4-5-20251001', '2025-10-01'],
  ['claude-opus-4-5', 'claude-opus-4-5-20251101', '2025-11-01'],
  ['claude-opus-4-6', 'claude-opus-4-6', '2026-02-05'],
  ['claude-sonnet-4-6', 'claude-sonnet-4-6', '2026-02-17'],
];

const byId: ReadonlyMap<string, string> = new Map(
  known.flatMap(([alias, answeredBy]) => [alias, answeredBy].map((id) => [id, answeredBy] as const)),
);

/** The model that answers a call. @throws ProviderError 404 */
export function findClaudeModel(id: string): string {
  const answeredBy = byId.get(id);
  if (answeredBy !== undefined) return answeredBy;
  throw new ProviderError(`model: ${id}`, { status: 404 });
}

/** `GET /v1/models`: only the models that answer, as Anthropic lists them. */
export function listClaudeModels(): JsonObject {
  const data = known.map(([, answeredBy, created]) => claudeModel(answeredBy, created)).toReversed();
  return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

export function readClaudeModel(id: string): JsonObject {
  const answeredBy = findClaudeModel(id);
  const created = known.find(([, one]) => one === answeredBy)?.[2] ?? '';
  return claudeModel(answeredBy, created);
}

function claudeModel(id: string, created: string): JsonObject {
  return { type: 'model', id, display_name: id.replaceAll('-', ' '), created_at: `${created}T00:00:00Z` };
}
