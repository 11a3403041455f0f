import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, DatabaseError } from 'pg';
import type { Logger } from 'pino';
import { followerName, makeClient } from '../../database/client.ts';
import {
  type ConfigApiKey,
  type ConfigOrganization,
  type ConfigPersona,
  type ConfigRevocation,
  configChannel,
  readConfigChanges,
  readConfigVersion,
} from '../../database/config.ts';
import type { Queryable } from '../../database/queryable.ts';
import { ProxyError } from '../error.ts';
import { applyChanges, byName, emptySnapshot, type SealedSnapshot } from './snapshot.ts';

export interface FollowOptions {
  readonly organizationId: string;
  /** Asked at each connection: passwords rotate. */
  readonly databaseUrl: () => string;
  /** The last snapshot is kept here, so that a proxy starts without the database. */
  readonly directory: string;
  readonly log: Logger;
  /**
   * Told of every new snapshot, in order.
   *
   * @param ageMs how long ago the change was made that it brings; undefined where it may be any time ago, as at the start
   */
  readonly onSnapshot: (snapshot: SealedSnapshot, ageMs?: number) => void;
  /** How often the change counter is asked for, where no notification came. */
  readonly pollMs?: number;
  /** After how long without an answer a connection is given up. */
  readonly queryTimeoutMs?: number;
  /** For how long the login may be refused before that means that it was taken away, and not that it is rotating. */
  readonly refusalMs?: number;
}

/** Keeps the snapshot as the database has it. */
export interface Follower {
  /** Resolves with the first snapshot, the database's or the kept one; never where there is neither yet. */
  readonly first: Promise<SealedSnapshot>;
  /** When the snapshot was last known to be the newest, in milliseconds since 1970; 0: not yet since the start. */
  confirmedAtMs(): number;
  /** Runs a look-up on the follower's connection. @throws where the database is away */
  query<T>(run: (db: Queryable) => Promise<T>): Promise<T>;
  /**
   * Resolves when what the database has at the time of the call is in force.
   *
   * @throws {ProxyError} `store_unavailable` where the database is away for longer than `patienceMs`
   */
  catchUp(patienceMs?: number): Promise<void>;
  /** Logs in anew where the login is another than before: sessions of the former one end some minutes after a rotation. */
  renewLogin(): Promise<void>;
  stop(): Promise<void>;
}

const fileName = 'snapshot.json';
const reconnectMs = { first: 50, last: 2_000 };

/** What a session gets whose role has lost its grants or was dropped; and the statement in whose middle it was dropped. */
const gone = new Set(['42501', '42704']);
/** Invalid authorization, invalid password (which a role that is gone gets too). */
const loginRefusals = new Set(['28000', '28P01']);

/**
 * Follows an organization's configuration: LISTEN for changes, read those above the version at hand, and poll the
 * change counter as the fallback. Reconnects for ever.
 */
export function followSnapshot(options: FollowOptions): Follower {
  const { organizationId, log } = options;
  const first = Promise.withResolvers<SealedSnapshot>();
  let snapshot = emptySnapshot;
  let confirmedAtMs = 0;
  let client: Client | undefined;
  /** The URL that it was made with. */
  let connectedBy = '';
  let stopped = false;
  let retryMs = reconnectMs.first;
  let retryTimer: NodeJS.Timeout | undefined;
  let refreshing: Promise<void> | undefined;
  let refreshAgain = false;
  let refusedSinceMs: number | undefined;
  let saving = Promise.resolve();
  let unsaved: SealedSnapshot | undefined;

  const accept = (next: SealedSnapshot, source: 'database' | 'volume', ageMs?: number) => {
    if (stopped) return;
    snapshot = next;
    options.onSnapshot(next, ageMs);
    first.resolve(next);
    log.info({ version: next.version, source }, 'snapshot in force');
    if (source === 'volume') return;
    unsaved = next;
    saving = saving.then(saveNewest).catch(logSaveFailure);
  };
  /** Of several that follow one another quickly, the last is enough. */
  const saveNewest = async () => {
    const newest = unsaved;
    unsaved = undefined;
    if (newest) await save(options.directory, newest);
  };
  const logSaveFailure = (error: unknown) => log.warn({ err: error }, 'the snapshot could not be kept on the volume');

  const readNewest = async (db: Client) => {
    const version = await readConfigVersion(db, organizationId);
    // A lower version is another database (restored, or made anew): what is known of it is nothing.
    const known = version < snapshot.version ? emptySnapshot : snapshot;
    if (version !== snapshot.version) {
      const changes = await readConfigChanges(db, organizationId, known.version);
      accept(applyChanges(known, changes), 'database', confirmedAtMs > 0 ? changes.ageMs : undefined);
    }
    confirmedAtMs = Date.now();
    retryMs = reconnectMs.first;
    refusedSinceMs = undefined;
  };

  /** The database is there and will not have us: the organization is gone, and with it what we may do. */
  const noteRefusal = (error: unknown) => {
    const code = error instanceof DatabaseError ? (error.code ?? '') : '';
    if (!gone.has(code) && !loginRefusals.has(code)) return;
    refusedSinceMs ??= Date.now();
    const patienceMs = gone.has(code) ? 0 : (options.refusalMs ?? 300_000);
    if (snapshot.organization && Date.now() - refusedSinceMs >= patienceMs) accept(emptySnapshot, 'database');
  };

  /** One at a time; a notification that comes meanwhile asks for one more. */
  const refresh = () => {
    if (refreshing) {
      refreshAgain = true;
      return;
    }
    const db = client;
    if (!db) return;
    refreshing = readNewest(db)
      .catch((error: unknown) => {
        log.warn({ err: error }, 'the configuration could not be read; trying another connection');
        noteRefusal(error);
        void db.end().catch(() => {});
      })
      .finally(() => {
        refreshing = undefined;
        if (refreshAgain) {
          refreshAgain = false;
          if (!stopped) refresh();
        }
      });
  };
  const catchUp = async (patienceMs = 0) => {
    const askedAtMs = Date.now();
    for (;;) {
      // The reading under way may have begun before what is looked for was written.
      await refreshing;
      refresh();
      await refreshing;
      if (client && confirmedAtMs >= askedAtMs) return;
      if (stopped || Date.now() - askedAtMs >= patienceMs) throw new ProxyError('store_unavailable');
      await new Promise((resolve) => setTimeout(resolve, reconnectMs.first));
    }
  };

  /** @throws where the database cannot be reached, or will not have us */
  const open = async (databaseUrl: string): Promise<Client> => {
    const next = makeClient({
      databaseUrl,
      name: followerName,
      queryTimeoutMs: options.queryTimeoutMs,
      onError: (error) => log.warn({ err: error }, 'lost the database'),
    });
    next.on('notification', refresh);
    try {
      await next.connect();
      await next.query(`listen ${next.escapeIdentifier(configChannel(organizationId))}`);
      return next;
    } catch (error) {
      void next.end().catch(() => {});
      throw error;
    }
  };
  const use = (next: Client, databaseUrl: string) => {
    next.once('end', () => {
      if (client !== next) return;
      client = undefined;
      reconnect();
    });
    client = next;
    connectedBy = databaseUrl;
    refresh();
  };
  const connect = async () => {
    const databaseUrl = options.databaseUrl();
    try {
      const next = await open(databaseUrl);
      if (stopped) await next.end();
      else use(next, databaseUrl);
    } catch (error) {
      log.warn({ err: error }, 'cannot reach the database; calls go on with the snapshot at hand');
      noteRefusal(error);
      reconnect();
    }
  };
  /** The former connection serves until the next one stands, and where there is none yet. */
  const renew = async () => {
    const databaseUrl = options.databaseUrl();
    const former = client;
    if (!former || databaseUrl === connectedBy) return;
    try {
      const next = await open(databaseUrl);
      if (stopped || client !== former) return void (await next.end());
      use(next, databaseUrl);
      await former.end();
    } catch (error) {
      log.warn({ err: error }, 'cannot log in anew; the former connection goes on for as long as it may');
    }
  };
  const reconnect = () => {
    if (stopped) return;
    retryTimer = setTimeout(connect, retryMs * (0.5 + Math.random()));
    retryMs = Math.min(retryMs * 2, reconnectMs.last);
  };

  const poll = setInterval(refresh, options.pollMs ?? 2_000);
  poll.unref();
  void load(options.directory, organizationId).then((kept) => {
    if (kept && snapshot.version === 0) accept(kept, 'volume');
  });
  void connect();

  return {
    first: first.promise,
    confirmedAtMs: () => confirmedAtMs,
    async query(run) {
      if (!client) throw new Error('The database cannot be reached');
      return run(client);
    },
    catchUp,
    renewLogin: renew,
    async stop() {
      stopped = true;
      clearInterval(poll);
      clearTimeout(retryTimer);
      await client?.end().catch(() => {});
      await refreshing;
      await saving;
    },
  };
}

interface KeptSnapshot {
  readonly version: number;
  readonly organization: ConfigOrganization;
  readonly personas: readonly ConfigPersona[];
  readonly apiKeys: readonly ConfigApiKey[];
  /** Absent in what an older version has kept. */
  readonly withdrawnKeys?: readonly string[];
  readonly inactiveUsers: readonly string[];
  /** Absent in what an older version has kept. */
  readonly revocations?: readonly ConfigRevocation[];
}

async function save(directory: string, snapshot: SealedSnapshot): Promise<void> {
  if (!snapshot.organization) return rm(join(directory, fileName), { force: true });
  const kept: KeptSnapshot = {
    version: snapshot.version,
    organization: snapshot.organization,
    personas: [...snapshot.personas.values()],
    apiKeys: [...snapshot.apiKeys.values()],
    withdrawnKeys: [...snapshot.withdrawnKeys],
    inactiveUsers: [...snapshot.inactiveUsers],
    revocations: [...snapshot.revocations.values()],
  };
  const file = join(directory, fileName);
  await writeFile(`${file}.new`, JSON.stringify(kept), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function load(directory: string, organizationId: string): Promise<SealedSnapshot | undefined> {
  try {
    const kept = JSON.parse(await readFile(join(directory, fileName), 'utf8')) as KeptSnapshot;
    if (kept.organization.organization_id !== organizationId) return undefined;
    return {
      // What an older version passed over is read anew.
      version: kept.revocations ? kept.version : 0,
      organization: kept.organization,
      personas: new Map(kept.personas.map((row) => [row.persona_id, row])),
      apiKeys: new Map(kept.apiKeys.map((row) => [row.api_key_id, row])),
      withdrawnKeys: new Set(kept.withdrawnKeys),
      inactiveUsers: new Set(kept.inactiveUsers),
      revocations: byName(kept.revocations ?? []),
    };
  } catch {
    // None kept yet, or not whole: the database has it.
    return undefined;
  }
}
