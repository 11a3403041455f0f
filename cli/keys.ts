import { randomUUID } from 'node:crypto';
import { DatabaseError } from 'pg';
import { parseDurationMs } from '../crds/duration.ts';
import { digestOfKey, makeKeyText, originPattern, whyUnfitting } from '../database/access-key-rules.ts';
import {
  insertAccessKey,
  type ListedAccessKey,
  listAllAccessKeys,
  revokeAccessKey,
  rotateAccessKey,
} from '../database/access-keys.ts';
import { appendAudit } from '../database/audit/append.ts';
import { diffFields } from '../database/audit/diff.ts';
import type { CommandEntry } from '../database/audit/entry.ts';
import type { Queryable } from '../database/queryable.ts';
import { inTransaction } from '../database/transaction.ts';
import { requireOrganization } from './find-organization.ts';
import { renderKeys } from './get/render-keys.ts';
import type { RulesFormat } from './get/render-rules.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

interface KeysOptions extends InstallationOptions {
  /** Absent: of a list, all of them; else the only one that there is, or that has such a key. */
  readonly organization?: string;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

export interface ListKeysOptions extends KeysOptions {
  readonly output: RulesFormat;
}

export interface CreateKeyOptions extends KeysOptions {
  readonly name: string;
  readonly type: 'secret' | 'public';
  readonly roles?: readonly string[];
  readonly origins?: readonly string[];
  readonly requestsPerHour?: number;
  readonly visitorRequestsPerHour?: number;
  /** A duration. Absent: it does not expire. */
  readonly expires?: string;
}

export interface NamedKeyOptions extends KeysOptions {
  /** The key's name or id. */
  readonly key: string;
}

export interface RotateKeyOptions extends NamedKeyOptions {
  /** A duration: how long the former key is accepted, too. */
  readonly overlap: string;
}

const longestOverlapMs = 7 * 86_400_000;

/** `chaperone keys list`: prints the keys of the organizations' own APIs. The keys themselves are stored nowhere. */
export async function listKeys(options: ListKeysOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { organization, output } = options;
  await run(options, environment, ['list', '--output', output], async (db) => {
    process.stdout.write(renderKeys(await listAllAccessKeys(db, organization), output, Date.now()));
  });
}

/** `chaperone keys create`: makes a key, and prints it: only this once. */
export async function createKey(options: CreateKeyOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { name, type, roles = [], requestsPerHour = null, visitorRequestsPerHour = null, expires } = options;
  requireUsable(options);
  const expiresMs = expires === undefined ? undefined : parseDurationMs(expires);
  await run(options, environment, ['create', name, ...toFlags(options)], async (db) => {
    const { id: organizationId } = await requireOrganization(db, options.organization);
    const [text, keyId] = [makeKeyText(type), randomUUID()];
    const key = {
      ...{ name, type, roles, origins: options.origins ? [...new Set(options.origins)].sort() : null },
      ...{ requestsPerHour, visitorRequestsPerHour },
      expiresAt: expiresMs === undefined ? null : new Date(Date.now() + expiresMs),
    };
    const changes = diffFields('access_key', undefined, {
      ...{ name, type, roles, allowed_origins: key.origins, requests_per_hour: requestsPerHour },
      visitor_requests_per_hour: visitorRequestsPerHour,
      expires_at: key.expiresAt?.toISOString() ?? null,
    });
    await change(db, organizationId, entryOf('created', keyId, changes), async () => {
      await insertAccessKey(db, { organizationId, keyId, ...key, ...digestOfKey(text) }).catch((error: unknown) => {
        if (!(error instanceof DatabaseError && error.constraint === 'access_keys_name')) throw error;
        throw new Error(`There is a key "${name}" already; chaperone keys list shows it`, { cause: error });
      });
    });
    process.stdout.write(`${text}\n`);
    process.stderr.write('This is the key. It is shown only now, and stored nowhere.\n');
  });
}

/** `chaperone keys rotate`: replaces a key by a new one, and prints that. The former one is accepted for a while. */
export async function rotateKey(options: RotateKeyOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { key: named, overlap } = options;
  const overlapMs = parseDurationMs(overlap);
  if (overlapMs > longestOverlapMs) throw new Error('--overlap must be 7d at most');
  await run(options, environment, ['rotate', named, '--overlap', overlap], async (db) => {
    const { organizationId, keyId, type, name } = await requireKey(db, options);
    const text = makeKeyText(type);
    const changes = [{ field: 'access_key.key', after: 'another one' }];
    await change(db, organizationId, entryOf('changed', keyId, changes), () =>
      rotateAccessKey(db, organizationId, keyId, { ...digestOfKey(text), overlapMs }),
    );
    const until = new Date(Date.now() + overlapMs).toISOString().replace(/\.\d+Z$/, 'Z');
    process.stdout.write(`${text}\n`);
    process.stderr.write(
      `This is the new key "${name}". It is shown only now. The former one is accepted until ${until}.\n`,
    );
  });
}

/** `chaperone keys revoke`: has every proxy refuse a key for good. */
export async function revokeKey(options: NamedKeyOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  await run(options, environment, ['revoke', options.key], async (db) => {
    const { organizationId, keyId, organization, name } = await requireKey(db, options);
    await change(db, organizationId, entryOf('deleted', keyId, []), () => revokeAccessKey(db, organizationId, keyId));
    process.stdout.write(
      `Revoked the key "${name}" of organization "${organization}". Proxies refuse it within a second or so.\n`,
    );
  });
}

/** Runs a command where the database can be reached. @param command what it is called in a pod of the operator */
async function run(
  options: KeysOptions,
  environment: NodeJS.ProcessEnv,
  command: readonly string[],
  work: (db: Queryable) => Promise<void>,
): Promise<void> {
  const { organization, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    process.exitCode = await runInOperator(installation, ['keys', ...command, ...named]);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  await withOwnerDatabase(database, 'keys', work);
}

function toFlags(options: CreateKeyOptions): string[] {
  const { type, roles, origins = [], requestsPerHour, visitorRequestsPerHour, expires } = options;
  return [
    ...['--type', type],
    ...(roles ? ['--roles', roles.join(',')] : []),
    ...origins.flatMap((origin) => ['--origin', origin]),
    ...(requestsPerHour === undefined ? [] : ['--requests-per-hour', String(requestsPerHour)]),
    ...(visitorRequestsPerHour === undefined ? [] : ['--visitor-requests-per-hour', String(visitorRequestsPerHour)]),
    ...(expires === undefined ? [] : ['--expires', expires]),
  ];
}

/** @throws where a key of these fields makes no sense */
function requireUsable(options: CreateKeyOptions): void {
  const { name, origins = [] } = options;
  if (name.trim() === '' || name.length > 200) throw new Error('The name must have 1 to 200 characters');
  const odd = origins.find((origin) => origin.length > 255 || !new RegExp(originPattern).test(origin));
  if (odd !== undefined) throw new Error(`--origin must be such as https://shop.example.com, not "${odd}"`);
  const why = whyUnfitting(options);
  if (!why) return;
  const option = { allowed_origins: '--origin', roles: '--roles' }[why.param] ?? '--visitor-requests-per-hour';
  throw new Error(why.message.replace(why.param, option));
}

type OwnKey = ListedAccessKey & { readonly keyId: string };

async function requireKey(db: Queryable, { key: named, organization }: NamedKeyOptions): Promise<OwnKey> {
  const found = (await listAllAccessKeys(db, organization)).filter(
    ({ name, keyId }) => named === name || named === keyId,
  );
  const own = found.filter((key): key is OwnKey => key.keyId !== null);
  const [key, ...others] = own;
  if (!key) {
    const [stated] = found;
    if (!stated) throw new Error(`There is no key "${named}"; chaperone keys list shows those that there are`);
    throw new Error(
      `The key "${named}" is stated in spec.apiKeys of Organization ${stated.organization}: change it there`,
    );
  }
  if (others.length === 0) return key;
  const names = own.map((one) => one.organization).join(', ');
  throw new Error(`--organization is needed, since several have a key "${named}": ${names}`);
}

function entryOf(action: CommandEntry['action'], keyId: string, changes: CommandEntry['changes']): CommandEntry {
  const command = { created: 'create', changed: 'rotate', deleted: 'revoke' }[action];
  return {
    ...{ id: randomUUID(), at: new Date().toISOString(), kind: 'api', action, subject: `AccessKey/${keyId}`, changes },
    actor: { managers: [{ manager: `chaperone keys ${command}` }] },
  };
}

/** Makes a change with its entry in the audit log. */
async function change(
  db: Queryable,
  organizationId: string,
  entry: CommandEntry,
  work: () => Promise<unknown>,
): Promise<void> {
  await inTransaction(db, async () => {
    await work();
    await appendAudit(db, 'owner', organizationId, [entry]);
  });
}
