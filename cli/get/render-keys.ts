import type { ListedAccessKey } from '../../database/access-keys.ts';
import { align, type RulesFormat, toLine } from './render-rules.ts';

/** Shows keys as a table, or as JSON. */
export function renderKeys(keys: readonly ListedAccessKey[], format: RulesFormat, nowMs: number): string {
  if (format === 'json') return `${JSON.stringify({ keys: keys.map((key) => toJson(key, nowMs)) })}\n`;
  if (keys.length === 0) return 'There are no keys.\n';
  const head = ['ORGANIZATION', 'NAME', 'TYPE', 'STATE', 'KEY', 'OPENS', 'REQUESTS/H', 'EXPIRES', 'MANAGED BY'];
  return align([head, ...keys.map((key) => toCells(key, nowMs))]);
}

function stateOf({ expiresAt, formerUntil }: ListedAccessKey, nowMs: number): string {
  if (expiresAt && expiresAt.getTime() <= nowMs) return 'expired';
  return formerUntil && formerUntil.getTime() > nowMs ? 'rotating' : 'active';
}

function toJson(key: ListedAccessKey, nowMs: number) {
  const { organization, keyId, name, type, roles, origins, requestsPerHour, visitorRequestsPerHour, hint } = key;
  return {
    ...{ organization, id: keyId, name, type, state: stateOf(key, nowMs), roles, allowed_origins: origins },
    ...{ requests_per_hour: requestsPerHour, visitor_requests_per_hour: visitorRequestsPerHour, hint },
    expires_at: key.expiresAt?.toISOString() ?? null,
    former_until: key.formerUntil?.toISOString() ?? null,
    managed_by: managerOf(key),
  };
}

function managerOf({ keyId, organization }: ListedAccessKey): string | null {
  return keyId === null ? `Organization ${organization}` : null;
}

function toCells(key: ListedAccessKey, nowMs: number): string[] {
  const { organization, name, type, roles, origins, requestsPerHour, hint, expiresAt } = key;
  const opens = type === 'public' ? (origins ?? []).join(',') : roles.join(',') || 'default roles';
  return [
    ...[organization, name, type, stateOf(key, nowMs), hint ?? '', opens, requestsPerHour?.toString() ?? ''],
    expiresAt?.toISOString().replace(/\.\d+Z$/, 'Z') ?? '',
    managerOf(key) ?? '',
  ].map(toLine);
}
