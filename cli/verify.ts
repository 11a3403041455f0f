import { type Verification, verifyAudit } from '../database/audit/verify.ts';
import type { Queryable } from '../database/queryable.ts';
import { type Heads, parseHeads, readStatusHeads, writeHead } from './audit/heads.ts';
import { findOrganizations } from './audit/organizations.ts';
import { chooseInstallation, type Installation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface VerifyOptions extends InstallationOptions {
  /** Absent: all of them. */
  readonly organization?: string;
  /** Heads that somebody has kept, such as `acme=42:9f86d0…`. */
  readonly head: readonly string[];
  readonly output: 'table' | 'json';
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone audit verify`: walks the audit logs and says where one is broken first. Then it exits with 1. */
export async function verify(options: VerifyOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { databaseUrlFile, organization } = options;
  const kept = parseHeads(options.head);
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  const stated = installation ? await readStatusHeads(installation) : new Map();
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    process.exitCode = await runInOperator(installation, toCommand(options, stated));
    return;
  }
  const results = await withOwnerDatabase(toDatabase(installation, databaseUrlFile), 'audit-verify', (db) =>
    verifyAll(db, organization, [stated, kept]),
  );
  process.stdout.write(
    options.output === 'json' ? `${JSON.stringify({ logs: results.map(toJson) })}\n` : render(results),
  );
  if (results.some(({ result }) => result.state === 'broken')) process.exitCode = 1;
}

interface Verified {
  readonly organization: string;
  readonly result: Verification;
  /** Whether a head from outside of the database was compared. */
  readonly isCompared: boolean;
}

async function verifyAll(
  db: Queryable,
  organization: string | undefined,
  heads: readonly Heads[],
): Promise<Verified[]> {
  const results: Verified[] = [];
  for (const { organizationId, name } of await findOrganizations(db, organization)) {
    const known = heads.flatMap((ofOrganizations) => ofOrganizations.get(name) ?? []);
    const result = await verifyAudit(db, organizationId, known);
    results.push({ organization: name, result, isCompared: known.length > 0 });
  }
  return results;
}

function toDatabase(
  installation: Extract<Installation, { kind: 'local' }> | undefined,
  databaseUrlFile = '',
): OwnerDatabase {
  return installation ?? { databaseUrlFile };
}

function render(results: readonly Verified[]): string {
  if (results.length === 0) return 'There are no organizations.\n';
  return results
    .map(({ organization, result, isCompared }) => `${organization}: ${say(result, isCompared)}\n`)
    .join('');
}

function say(result: Verification, isCompared: boolean): string {
  if (result.state === 'broken') return `BROKEN: ${result.problem}`;
  const { seq, hash } = result.head;
  const { cut } = result;
  if (seq === 0) return 'the log is empty';
  const end = isCompared ? 'as the status has it' : 'compared with nothing outside of the database: name a --head';
  const entries = `${seq} ${seq === 1 ? 'entry' : 'entries'}`;
  const removed = cut ? `, of which retention has removed the first ${cut.seq}` : '';
  return `intact, ${entries}${removed}; the end is ${end} (head ${hash.toString('hex')})`;
}

function toJson({ organization, result, isCompared }: Verified) {
  if (result.state === 'broken') return { organization, ...result };
  const { seq, hash } = result.head;
  const removed = result.cut?.seq ?? 0;
  return { organization, state: result.state, entries: seq, removed, head: hash.toString('hex'), compared: isCompared };
}

function toCommand({ organization, head, output }: VerifyOptions, stated: Heads): string[] {
  const heads = [...[...stated].map(([name, one]) => writeHead(name, one)), ...head];
  return [
    ...['audit', 'verify', '--output', output],
    ...(organization === undefined ? [] : ['--organization', organization]),
    ...heads.flatMap((one) => ['--head', one]),
  ];
}
