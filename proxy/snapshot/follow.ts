import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, DatabaseError } from 'pg';
import type { Logger } from 'pino';
import { connectClient, followerName, makeClient } from '../../database/client.ts';
import {
  type ConfigAccessKey,
  type ConfigApiKey,
  type ConfigDeployment,
  type ConfigOrganization,
  type ConfigPersona,
  type ConfigRevocation,
  configChannel,
  readConfigChanges,
  readConfigVersion,
} from '../../database/config.ts';
import { liveNotice } from '../../database/live-events.ts';
import { pausesNotice } from '../../database/provider-pauses.ts';
import type { Queryable } from '../../database/queryable.ts';
import { ProxyError } from '../error.ts';
import { applyChanges, emptySnapshot, indexRevocations, type SealedSnapshot } from './sealed-snapshot.ts';

export interface FollowOptions {
  readonly organizationId: string;
  /** Called for each connection, since passwords rotate. */
  readonly databaseUrl: () => string;
  /** The last snapshot is kept here, so that the proxy can start without the database. */
  readonly directory: string;
  readonly log: Logger;
  /**
   * Called with every new snapshot, in order.
   *
   * @param ageMs how long ago the snapshot's newest change was made; undefined where that says nothing about
   * propagation, as at the start
   */
  readonly onSnapshot: (snapshot: SealedSnapshot, ageMs?: number) => void;
  /** How often to read the change counter where no notification comes. */
  readonly pollMs?: number;
  /** How long a statement may go unanswered before the connection is given up. */
  readonly queryTimeoutMs?: number;
  /**
   * How long the login may be refused before that means that the role is gone, rather than that its password is
   * rotating.
   */
  readonly refusalMs?: number;
}

/** Keeps the snapshot up to date with the database. */
export interface Follower {
  /** Resolves with the first snapshot, from the database or from the volume. It stays pending until there is one. */
  readonly first: Promise<SealedSnapshot>;
  /** When the snapshot was last confirmed as the newest, in milliseconds since 1970. 0: not since the start. */
  confirmedAtMs(): number;
  /** Runs a query on the follower's connection. @throws where the database cannot be reached */
  query<T>(run: (db: Queryable) => Promise<T>): Promise<T>;
  /**
   * Resolves when the configuration that the database has now is in force.
   *
   * @throws {ProxyError} `store_unavailable` where the database cannot be reached for longer than `timeoutMs`
   */
  catchUp(timeoutMs?: number): Promise<void>;
  /** Calls the listener whenever what proxies leave alone may have changed: notices of that, and new connections. */
  onPauses(listener: () => void): void;
  /** Calls the listener for notices that there is something that people who watch should see at once. */
  onLive(listener: () => void): void;
  /** Reconnects if the password has changed. Sessions with the old password end some minutes after a rotation. */
  renewLogin(): Promise<void>;
  stop(): Promise<void>;
}

const fileName = 'snapshot.json';
const reconnectMs = { first: 50, last: 2_000 };

/** Errors of a session whose role has lost its grants or was dropped, before or during the statement. */
const lostRightsErrors = new Set(['42501', '42704']);
/** Invalid authorization, and invalid password. A role that was dropped gets the latter, too. */
const loginRefusals = new Set(['28000', '28P01']);

/**
 * Follows an organization's configuration. It LISTENs for changes, reads the rows above its version, and polls the
 * change counter as the fallback. It always reconnects.
 */
export function followSnapshot(options: FollowOptions): Follower {
  const { organizationId, log } = options;
  const first = Promise.withResolvers<SealedSnapshot>();
  let snapshot = emptySnapshot;
  let confirmedAtMs = 0;
  let client: Client | undefined;
  /** The URL of the current connection. */
  let connectedUrl = '';
  let stopped = false;
  let retryMs = reconnectMs.first;
  let retryTimer: NodeJS.Timeout | undefined;
  let refreshing: Promise<void> | undefined;
  let refreshAgain = false;
  let refusedSinceMs: number | undefined;
  let saving = Promise.resolve();
  let unsaved: SealedSnapshot | undefined;
  let notePauses = () => {};
  let noteLive = () => {};

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
  /** Saves the newest snapshot. Where several follow quickly, only the last is saved. */
  const saveNewest = async () => {
    const newest = unsaved;
    unsaved = undefined;
    if (newest) await save(options.directory, newest);
  };
  const logSaveFailure = (error: unknown) => log.warn({ err: error }, 'cannot save the snapshot to the volume');

  const readNewest = async (db: Client) => {
    const version = await readConfigVersion(db, organizationId);
    // A lower version means another database, such as a restored one. Then nothing that is known applies.
    const known = version < snapshot.version ? emptySnapshot : snapshot;
    if (version !== snapshot.version) {
      const changes = await readConfigChanges(db, organizationId, known.version);
      accept(applyChanges(known, changes), 'database', confirmedAtMs > 0 ? changes.ageMs : undefined);
    }
    confirmedAtMs = Date.now();
    retryMs = reconnectMs.first;
    refusedSinceMs = undefined;
  };

  /** Notes that the database answers but refuses this role. That may mean that the organization was deleted. */
  const noteRefusal = (error: unknown) => {
    const code = error instanceof DatabaseError ? (error.code ?? '') : '';
    if (!lostRightsErrors.has(code) && !loginRefusals.has(code)) return;
    refusedSinceMs ??= Date.now();
    const allowedMs = lostRightsErrors.has(code) ? 0 : (options.refusalMs ?? 300_000);
    if (snapshot.organization && Date.now() - refusedSinceMs >= allowedMs) accept(emptySnapshot, 'database');
  };

  /** Reads changes, one read at a time. A notification during a read causes one more. */
  const refresh = () => {
    if (refreshing) {
      refreshAgain = true;
      return;
    }
    const db = client;
    if (!db) return;
    refreshing = readNewest(db)
      .catch((error: unknown) => {
        log.warn({ err: error }, 'cannot read the configuration; trying another connection');
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
  const catchUp = async (timeoutMs = 0) => {
    const askedAtMs = Date.now();
    for (;;) {
      // The current read may have begun before the wanted row was written, so wait for it and read again.
      await refreshing;
      refresh();
      await refreshing;
      if (client && confirmedAtMs >= askedAtMs) return;
      if (stopped || Date.now() - askedAtMs >= timeoutMs) throw new ProxyError('store_unavailable');
      await new Promise((resolve) => setTimeout(resolve, reconnectMs.first));
    }
  };

  /** @throws where the database cannot be reached, or refuses the login */
  const open = async (databaseUrl: string): Promise<Client> => {
    const next = makeClient({
      databaseUrl,
      name: followerName,
      queryTimeoutMs: options.queryTimeoutMs,
      onError: (error) => log.warn({ err: error }, 'lost the database'),
    });
    next.on('notification', ({ payload }) => {
      if (payload === pausesNotice) notePauses();
      else if (payload === liveNotice) noteLive();
      else refresh();
    });
    try {
      await connectClient(next);
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
    connectedUrl = databaseUrl;
    refresh();
    notePauses();
  };
  const connect = async () => {
    const databaseUrl = options.databaseUrl();
    try {
      const next = await open(databaseUrl);
      if (stopped) await next.end();
      else use(next, databaseUrl);
    } catch (error) {
      log.warn({ err: error }, 'cannot use the database; calls go on with the current snapshot');
      noteRefusal(error);
      reconnect();
    }
  };
  /** Replaces the connection. The old connection serves until the new one works. */
  const renew = async () => {
    const databaseUrl = options.databaseUrl();
    const former = client;
    if (!former || databaseUrl === connectedUrl) return;
    try {
      const next = await open(databaseUrl);
      if (stopped || client !== former) return void (await next.end());
      use(next, databaseUrl);
      await former.end();
    } catch (error) {
      log.warn(
        { err: error },
        'cannot log in with the new password; the old connection stays in use until the server ends it',
      );
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
  const opening = connect();

  return {
    first: first.promise,
    confirmedAtMs: () => confirmedAtMs,
    async query(run) {
      // A proxy serves as soon as it has the saved snapshot, while the first connection is still being made.
      if (!client) await opening;
      if (!client) throw new Error('The database cannot be reached');
      return run(client);
    },
    catchUp,
    onPauses(listener) {
      notePauses = listener;
      if (client) listener();
    },
    onLive(listener) {
      noteLive = listener;
    },
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
  /** Absent in what an older version has kept. */
  readonly accessKeys?: readonly ConfigAccessKey[];
  /** Absent in what an older version has kept. */
  readonly deployments?: readonly ConfigDeployment[];
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
    accessKeys: [...snapshot.accessKeys.values()],
    deployments: [...snapshot.deployments.values()],
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
      // An older version did not keep all of it, so everything is read again.
      version: kept.revocations && kept.accessKeys && kept.deployments ? kept.version : 0,
      organization: kept.organization,
      personas: new Map(kept.personas.map((row) => [row.persona_id, row])),
      apiKeys: new Map(kept.apiKeys.map((row) => [row.api_key_id, row])),
      withdrawnKeys: new Set(kept.withdrawnKeys),
      inactiveUsers: new Set(kept.inactiveUsers),
      revocations: indexRevocations(kept.revocations ?? []),
      accessKeys: new Map(kept.accessKeys?.map((row) => [row.key_id, row])),
      deployments: new Map(kept.deployments?.map((row) => [row.deployment_id, row])),
    };
  } catch {
    // There is no saved snapshot, or it is incomplete. The database has the configuration.
    return undefined;
  }
}
