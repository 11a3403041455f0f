import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Queryable } from '../../database/queryable.ts';
import { ensureWorkerRole, isPasswordRefused } from '../../database/roles.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type OrganizationCredentials, toSecretData, workerSecretName } from '../credentials.ts';
import { withLogin } from '../organizations/login.ts';

export interface WorkerAccessOptions {
  readonly cluster: Pick<Cluster, 'get' | 'applySecret'>;
  readonly db: Queryable;
  /** The owner's URL: workers need sessions of their own, so they do not go by a pooler. */
  readonly databaseUrl: string;
  readonly namespace: string;
  /** How many Secrets share the credentials of all organizations: a Secret holds at most 1 MiB. */
  readonly secrets: number;
  readonly log: Logger;
}

/** What workers get: their login, and the credentials of each organization. */
export interface WorkerAccess {
  /** Hands out an organization's credentials, with the keys of all its namespaces. */
  put(credentials: OrganizationCredentials): void;
  /** Takes them back. Resolves when no Secret has them, and rejects where that cannot be. */
  remove(organizationId: string): Promise<void>;
  /** Resolves when the Secrets have what was handed out, or a failure is to be tried again. */
  settled(): Promise<void>;
  /** Gives the workers' login its password back, where somebody has changed it. */
  tend(): Promise<void>;
  stop(): Promise<void>;
}

/** The key of the workers' login in the first Secret. */
export const workerDatabaseUrlKey = 'database-url';

/** Whom the Secrets are made for, since there is no object. */
const owner = 'chaperone-worker';
/** Organizations that are reconciled together are written together. */
const gatherMs = 100;
const retryMs = 5_000;

/**
 * Hands out what workers need, in a few Secrets with fixed names. So a worker's pod mounts them, and needs no right to
 * read Secrets.
 */
export function openWorkerAccess(options: WorkerAccessOptions): WorkerAccess {
  const { cluster, namespace, secrets, log } = options;
  /** What this process has handed out (null: taken back), which the cache of the cluster may not show yet. */
  const known = Array.from({ length: secrets }, () => new Map<string, string | null>());
  const dirty = new Set<number>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let isStopped = false;

  const note = (place: number, key: string, value: string | null) => {
    known[place]?.set(key, value);
    dirty.add(place);
    schedule(gatherMs);
  };
  const schedule = (ms: number) => {
    if (timer || isStopped) return;
    timer = setTimeout(() => {
      timer = undefined;
      writing = writing.then(writeAll);
    }, ms);
  };
  const writeAll = async () => {
    // A pod that mounts the first Secret without the login would get it a minute or two later.
    await first;
    for (const place of [...dirty]) {
      try {
        await write(place);
      } catch (error) {
        log.warn({ err: error }, 'cannot hand out credentials to workers; it is tried again');
        schedule(retryMs);
      }
    }
  };
  const write = async (place: number) => {
    dirty.delete(place);
    try {
      await apply(place);
    } catch (error) {
      dirty.add(place);
      throw error;
    }
  };
  const apply = async (place: number) => {
    const name = workerSecretName(place);
    const current = cluster.get('Secret', namespace, name);
    const before = Object.fromEntries(
      Object.entries(current?.data ?? {}).map(([key, value]) => [key, Buffer.from(value).toString('utf8')]),
    );
    const after: Record<string, string> = { ...before };
    for (const [key, value] of known[place] ?? []) {
      if (value === null) delete after[key];
      else after[key] = value;
    }
    if (current && isDeepStrictEqual(before, after)) return;
    await cluster.applySecret({ namespace, name, data: after, ownerUid: owner });
  };
  const first = loginOf(options).then(
    (url) => note(0, workerDatabaseUrlKey, url),
    (error: unknown) => log.error({ err: error }, 'cannot make the login of workers; background jobs wait'),
  );
  return {
    put: (credentials) =>
      note(
        placeOf(credentials.organization.id, secrets),
        fileOf(credentials.organization.id),
        JSON.stringify(toSecretData(credentials)),
      ),
    remove(id) {
      const place = placeOf(id, secrets);
      note(place, fileOf(id), null);
      const removed = writing.then(() => write(place));
      writing = removed.catch(() => {});
      return removed;
    },
    async settled() {
      await first;
      clearTimeout(timer);
      timer = undefined;
      writing = writing.then(writeAll);
      await writing;
    },
    async tend() {
      await first;
      await restoreLogin(options);
    },
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await first;
      await writing;
    },
  };
}

function fileOf(organizationId: string): string {
  return `${organizationId}.json`;
}

function placeOf(organizationId: string, secrets: number): number {
  return Number.parseInt(organizationId.slice(0, 8), 16) % secrets;
}

/** The login that was handed out, else a new one. */
async function loginOf(options: WorkerAccessOptions): Promise<string> {
  const handedOut = await restoreLogin(options);
  if (handedOut !== undefined) return handedOut;
  const password = randomBytes(24).toString('base64url');
  return withLogin(options.databaseUrl, { role: await ensureWorkerRole(options.db, password), password });
}

/**
 * Makes the database accept the login that was handed out. Workers have its password: another one would reach them some
 * minutes later.
 *
 * @returns undefined where none was handed out
 */
async function restoreLogin(options: WorkerAccessOptions): Promise<string | undefined> {
  const { cluster, db, databaseUrl, namespace, log } = options;
  const secret = cluster.get('Secret', namespace, workerSecretName(0));
  const handedOut = Buffer.from(secret?.data[workerDatabaseUrlKey] ?? []).toString('utf8');
  const login = URL.parse(handedOut);
  if (!login?.password) return undefined;
  const password = decodeURIComponent(login.password);
  const url = withLogin(databaseUrl, { role: login.username, password });
  if (!(await isPasswordRefused(url))) return url;
  const role = await ensureWorkerRole(db, password);
  log.warn({ role }, 'gave the login of workers its password back, which somebody had changed');
  return withLogin(databaseUrl, { role, password });
}
