import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { describeOutage, outageKindOf } from '../../database/outage.ts';

export interface DatabaseHealthOptions {
  /** Runs any query. It must time out by itself. */
  readonly probe: () => Promise<unknown>;
  /** Called once when an outage begins. */
  readonly onOutage: () => void;
  /** Called once when the outage ends. */
  readonly onRecovery: () => void;
  readonly log: Logger;
  /** The pause between two probes. */
  readonly intervalMs?: number;
}

/** Knows whether the database can be used. */
export interface DatabaseHealth {
  /** The error of the current outage. Undefined while the database can be used. */
  outage(): unknown;
  /** Probes now, because a caller could not use the database. */
  probeNow(): void;
  /** Stops, and resolves when no probe is running. */
  stop(): Promise<void>;
}

const defaultIntervalMs = 2_000;

/**
 * Watches whether the database answers. Otherwise the operator would notice an outage only when it happens to write,
 * and its end only after backoffs that have grown meanwhile.
 */
export function watchDatabase(options: DatabaseHealthOptions): DatabaseHealth {
  const { probe, onOutage, onRecovery, log, intervalMs = defaultIntervalMs } = options;
  const stopping = new AbortController();
  let outage: unknown;
  let pause = new AbortController();

  const judge = async () => {
    try {
      await probe();
      if (outage === undefined) return;
      outage = undefined;
      log.info('the database is back');
      onRecovery();
    } catch (error) {
      if (stopping.signal.aborted) return;
      // The server answers, even if only with an error.
      const kind = outageKindOf(error);
      if (kind === undefined) return log.warn({ err: error }, 'the database answered the probe with an error');
      const isNew = outage === undefined;
      outage = error;
      if (!isNew) return;
      log.error({ kind, reason: describeOutage(error) }, 'the database cannot be used; changes wait until it is back');
      onOutage();
    }
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      pause = new AbortController();
      await judge();
      const signal = AbortSignal.any([stopping.signal, pause.signal]);
      await delay(intervalMs, undefined, { signal }).catch(() => {});
    }
  };
  const running = run();
  return {
    outage: () => outage,
    probeNow: () => pause.abort(),
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
