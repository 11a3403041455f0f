import type { ListedWebhook } from '../../database/webhooks.ts';
import type { RulesFormat } from './render-rules.ts';

/** Shows webhooks as a table, or as JSON. */
export function renderWebhooks(webhooks: readonly ListedWebhook[], format: RulesFormat): string {
  if (format === 'json') return `${JSON.stringify({ webhooks: webhooks.map(toJson) })}\n`;
  if (webhooks.length === 0) return 'There are no webhooks.\n';
  const head = ['ORGANIZATION', 'NAME', 'STATE', 'WAITING', 'DEAD', 'LAST DELIVERED', 'EVENTS', 'URL', 'LAST FAILURE'];
  return align([head, ...webhooks.map(toCells)]);
}

/** What a webhook's deliveries come to. */
export function stateOf({ isActive, disabledAt, failingSince }: ListedWebhook): string {
  if (!isActive) return 'inactive';
  if (disabledAt) return 'disabled';
  return failingSince ? 'failing' : 'active';
}

function toJson(webhook: ListedWebhook) {
  const { webhookId: id, organization, name, url, events, resource, waiting, dead, reason } = webhook;
  return {
    ...{ id, organization, name, url, events, state: stateOf(webhook) },
    managed_by: resource === null ? null : `Organization ${resource}`,
    ...{ waiting, dead },
    last_delivered_at: webhook.lastDeliveredAt?.toISOString() ?? null,
    failing_since: webhook.failingSince?.toISOString() ?? null,
    disabled_at: webhook.disabledAt?.toISOString() ?? null,
    last_failure: reason,
  };
}

function toCells(webhook: ListedWebhook): string[] {
  const { organization, name, url, events, waiting, dead, lastDeliveredAt, reason } = webhook;
  return [
    ...[organization, name, stateOf(webhook), String(waiting), String(dead)],
    lastDeliveredAt?.toISOString().replace(/\.\d+Z$/, 'Z') ?? '',
    events?.join(',') ?? 'all',
    // Its path and query may hold a token.
    URL.parse(url)?.origin ?? '',
    reason ?? '',
  ].map(toLine);
}

/** Nothing in it may move the cursor. */
function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}
