import {
  readSpending,
  type SpendingFilter,
  type SpendingGroup,
  spendingGroups,
} from '../database/analytics/spending.ts';
import { findOrganization } from '../database/organizations.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';
import { renderUsage, type UsageFormat } from './usage/render.ts';

export interface UsageOptions extends InstallationOptions {
  readonly organization?: string;
  readonly by?: string;
  /** Days, `YYYY-MM-DD`, in UTC. */
  readonly from?: string;
  readonly to?: string;
  readonly kind: 'call' | 'analysis' | 'all';
  readonly output: UsageFormat;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone usage`: prints usage and cost. */
export async function usage(options: UsageOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { by, filter } = chooseSpending(options, Date.now());
  const installation = options.databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    process.exitCode = await runInOperator(installation, toCommand(options, by, filter));
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: options.databaseUrlFile ?? '' };
  const rows = await withOwnerDatabase(database, 'usage', async (db) => {
    const { organization } = filter;
    if (organization !== null && !(await findOrganization(db, organization))) {
      throw new Error(`There is no organization "${organization}" in the database`);
    }
    return readSpending(db, by, filter);
  });
  process.stdout.write(renderUsage({ by, filter, rows }, options.output));
}

/**
 * Chooses the period, the group and the filter. Without days, the period is the current month until today.
 *
 * @throws where a group or a day is invalid, or the period ends before it begins
 */
export function chooseSpending(
  { organization, by, from, to, kind }: Omit<UsageOptions, 'output'>,
  nowMs: number,
): { readonly by: SpendingGroup; readonly filter: SpendingFilter } {
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const lastDay = to === undefined ? today : parseDay(to, '--to');
  const firstDay = from === undefined ? `${lastDay.slice(0, 8)}01` : parseDay(from, '--from');
  if (firstDay > lastDay) throw new Error(`--from ${firstDay} is after --to ${lastDay}`);
  return {
    by: parseGroup(by ?? (organization === undefined ? 'organization' : 'model')),
    filter: { organization: organization ?? null, firstDay, lastDay, kind: kind === 'all' ? null : kind },
  };
}

function parseGroup(text: string): SpendingGroup {
  const group = spendingGroups.find((known) => known === text);
  if (group !== undefined) return group;
  throw new Error(`--by must be one of ${spendingGroups.join(', ')}, not "${text}"`);
}

function parseDay(text: string, option: string): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
  // JavaScript parses 31 February as a day in March.
  if (isDay && new Date(text).toISOString().slice(0, 10) === text && text >= '1970-01-01') return text;
  throw new Error(`${option} must be a day such as 2027-01-31, not "${text}"`);
}

function toCommand(
  { kind, output }: UsageOptions,
  by: SpendingGroup,
  { organization, firstDay, lastDay }: SpendingFilter,
): string[] {
  return [
    ...['usage', '--by', by, '--from', firstDay, '--to', lastDay, '--kind', kind, '--output', output],
    ...(organization === null ? [] : ['--organization', organization]),
  ];
}
