import type { ChainedEntry } from '../../database/audit/chain.ts';

export type AuditFormat = 'table' | 'json';

export interface ListedEntry extends ChainedEntry {
  readonly organization: string;
  /** With users' ids in place of their pseudonyms. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export function renderEntries(rows: readonly ListedEntry[], format: AuditFormat): string {
  if (format === 'json') return `${JSON.stringify({ entries: rows.map(toJson) })}\n`;
  if (rows.length === 0) return 'The audit log has no such entries.\n';
  const head = ['TIME', 'ORGANIZATION', 'SEQ', 'WHO', 'WHAT'];
  return align([head, ...rows.map(toCells)]);
}

function toJson({ organization, fields, entry, hash }: ListedEntry) {
  return { ...fields, organization, entry, hash: hash.toString('hex') };
}

function toCells({ organization, seq, fields }: ListedEntry): string[] {
  return [String(fields.at), organization, String(seq), whoOf(fields.actor), whatOf(fields)].map(toLine);
}

function whoOf(actor: unknown): string {
  if (!isObject(actor)) return '';
  if (Array.isArray(actor.managers)) {
    const requesters = listOf(actor.requesters).map(({ user }) => shortenPseudonym(String(user)));
    const managers = listOf(actor.managers).map(({ manager, operation }) => {
      return operation === undefined ? String(manager) : `${manager} (${operation})`;
    });
    const [who, by] = [[...new Set(requesters)].join(', '), managers.join(', ')];
    if (who === '') return by === '' ? '(unknown)' : by;
    return by === '' ? who : `${who} by ${by}`;
  }
  return typeof actor.user === 'string' ? shortenPseudonym(actor.user) : '(nobody)';
}

function whatOf(fields: Readonly<Record<string, unknown>>) {
  const { kind, code, rule, route, count, action, subject, user, changes } = fields;
  if (kind === 'cut') return `removed the entries up to ${fields.through}, from before ${fields.before}`;
  if (kind === 'refusal') {
    const by = isObject(rule) ? ` by ${rule.kind} ${rule.name}${rule.detector ? ` (${rule.detector})` : ''}` : '';
    return `refused ${route}: ${code}${by}${Number(count) > 1 ? `, ${count} times` : ''}`;
  }
  const about = typeof user === 'string' ? `${subject} ${shortenPseudonym(user)}` : String(subject);
  if (kind === 'revocation') return `revoked ${about}`;
  const changed = listOf(changes).map(showChange);
  const shown = changed.length > 3 ? [...changed.slice(0, 3), `and ${changed.length - 3} more`] : changed;
  return `${action} ${about}${shown.length > 0 && action !== 'created' ? `: ${shown.join(', ')}` : ''}`;
}

function showChange({ field, before, after }: Readonly<Record<string, unknown>>): string {
  if (before === undefined && after === undefined) return String(field);
  return `${field} ${showValue(before)} → ${showValue(after)}`;
}

function showValue(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Of somebody who was erased. */
function shortenPseudonym(user: string): string {
  return user.replace(/^(person:[0-9a-f]{8})[0-9a-f]{56}$/, '$1…');
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** A user's id is anybody's text: nothing in it may move the cursor. */
function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}
