import type { Logger } from 'pino';
import type { Store } from '../store.ts';

export interface SecondConnectionOptions {
  readonly openStore: () => Store;
  /** Copies one batch. @returns how many calls it had */
  readonly copyBatch: (to: Store) => Promise<number>;
  /** Whether so many calls wait that the connection is worth it. */
  readonly isNeeded: () => boolean;
  readonly log: Logger;
}

/**
 * Copies calls beside the first connection while many of them wait: while one connection waits for the disk or for its next
 * batch, Postgres works on the other's. It may fail: the first connection then takes its rows again.
 */
export interface SecondConnection {
  /** Opens the connection, unless it is open or has failed a moment ago. It closes itself. */
  help(): void;
  /** Resolves when it is closed. */
  closed(): Promise<void>;
}

/** Pause after the connection failed. */
const pauseMs = 60_000;

export function makeSecondConnection({
  openStore,
  copyBatch,
  isNeeded,
  log,
}: SecondConnectionOptions): SecondConnection {
  let helping: Promise<void> | undefined;
  let pausedUntilMs = 0;
  const copy = async () => {
    const store = openStore();
    try {
      // Connect before taking rows: a pooler or the server may have no free connection.
      await store.run((db) => db.query('select'));
      // An empty batch waits for nothing: a loop of them would hold up the whole process.
      while (isNeeded() && (await copyBatch(store)) > 0);
    } catch (error) {
      pausedUntilMs = performance.now() + pauseMs;
      log.warn({ err: error }, 'the second connection for copying usage failed; the first goes on alone');
    }
    await store.close();
    helping = undefined;
  };
  return {
    help() {
      if (performance.now() >= pausedUntilMs) helping ??= copy();
    },
    closed: () => helping ?? Promise.resolve(),
  };
}
