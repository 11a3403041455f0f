import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { describeOutage, isOutage } from '../../database/outage.ts';

export interface DatabaseHealthOptions {
  /** Asks the database for anything; must give up by itself. */
  readonly probe: () => Promise<unknown>;
  /** Told once when the database has gone away. */
  readonly onAway: () => void;
  /** Told once when it is back. */
  readonly onBack: () => void;
  readonly log: Logger;
  /** The pause between two looks. */
  readonly everyMs?: number;
}

/** Whether the database can be used. */
export interface DatabaseHealth {
  /** Why it cannot; undefined while it can. */
  outage(): unknown;
  /** Looks now: somebody could not use it. */
  look(): void;
  /** Resolves once nothing is under way any more. */
  stop(): Promise<void>;
}

const defaultEveryMs = 2_000;

/**
 * Watches whether the database answers. Without this the operator would hear of an outage by what it happens to write,
 * and of the end of one by back-offs that have grown meanwhile.
 */
export function watchDatabase(options: DatabaseHealthOptions): DatabaseHealth {
  const { probe, onAway, onBack, log, everyMs = defaultEveryMs } = options;
  const stopping = new AbortController();
  let outage: unknown;
  let pause = new AbortController();

  const judge = async () => {
    try {
      await probe();
      if (outage === undefined) return;
      outage = undefined;
      log.info('the database is back');
      onBack();
    } catch (error) {
      if (stopping.signal.aborted) return;
      // Somebody answers, if only to refuse.
      if (!isOutage(error)) return log.warn({ err: error }, 'the database does not answer as it should');
      const isNew = outage === undefined;
      outage = error;
      if (!isNew) return;
      log.error({ reason: describeOutage(error) }, 'the database cannot be used; changes wait until it is back');
      onAway();
    }
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      pause = new AbortController();
      await judge();
      const signal = AbortSignal.any([stopping.signal, pause.signal]);
      await delay(everyMs, undefined, { signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    outage: () => outage,
    look: () => pause.abort(),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
