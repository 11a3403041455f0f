import { findPseudonym } from '../database/audit/pseudonyms.ts';
import { type AuditFilter, listAudit, readPeople } from '../database/audit/read.ts';
import { showEntries } from '../database/audit/show.ts';
import type { Queryable } from '../database/queryable.ts';
import { findOrganizations } from './audit/organizations.ts';
import { type AuditFormat, type ListedEntry, renderEntries } from './audit/render.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface AuditOptions extends InstallationOptions {
  /** Absent: all of them. */
  readonly organization?: string;
  /** A moment, or a duration before now, such as 7d. */
  readonly since?: string;
  readonly kind?: string;
  readonly code?: string;
  readonly actor?: string;
  readonly subject?: string;
  readonly limit: number;
  readonly output: AuditFormat;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone audit`: prints who changed what, and what was refused, the newest first. */
export async function audit(options: AuditOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const since = options.since === undefined ? null : parseSince(options.since, Date.now());
  const installation = options.databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    process.exitCode = await runInOperator(installation, toCommand(options, since));
    return;
  }
  const { kind = null, code = null, subject = null } = options;
  const filter = { since, until: null, kind, code, subject, actor: null };
  const database: OwnerDatabase = installation ?? { databaseUrlFile: options.databaseUrlFile ?? '' };
  const rows = await withOwnerDatabase(database, 'audit', (db) => readEntries(db, options, filter));
  process.stdout.write(renderEntries(rows, options.output));
}

async function readEntries(db: Queryable, options: AuditOptions, filter: AuditFilter): Promise<ListedEntry[]> {
  const { organization, actor, limit } = options;
  const rows: ListedEntry[] = [];
  for (const { organizationId, name } of await findOrganizations(db, organization)) {
    const person = actor === undefined ? undefined : await findPseudonym(db, organizationId, actor);
    const { entries } = await listAudit(
      db,
      organizationId,
      { ...filter, actor: person ?? actor ?? null },
      { limit, offset: 0 },
    );
    const shown = await showEntries(entries, (people) => readPeople(db, organizationId, people));
    rows.push(...shown.map((entry) => ({ organization: name, ...entry })));
  }
  return rows.toSorted((one, other) => (String(one.fields.at) > String(other.fields.at) ? -1 : 1)).slice(0, limit);
}

const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };

/** @throws where the text is neither a moment nor a duration */
export function parseSince(text: string, nowMs: number): string {
  const [, count, unit = ''] = /^(\d{1,5})([dhms])$/.exec(text) ?? [];
  const moment = count === undefined ? Date.parse(text) : nowMs - Number(count) * (units[unit] ?? 0);
  const isMoment = count !== undefined || /^\d{4}-\d{2}-\d{2}/.test(text);
  if (isMoment && !Number.isNaN(moment)) return new Date(moment).toISOString();
  throw new Error(`--since must be such as 7d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z, not "${text}"`);
}

function toCommand({ organization, kind, code, actor, subject, limit, output }: AuditOptions, since: string | null) {
  const named = { organization, since: since ?? undefined, kind, code, actor, subject };
  return [
    ...['audit', 'list', '--limit', String(limit), '--output', output],
    ...Object.entries(named).flatMap(([option, value]) => (value === undefined ? [] : [`--${option}`, value])),
  ];
}
