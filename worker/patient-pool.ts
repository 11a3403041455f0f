import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { outageKindOf } from '../database/outage.ts';

export interface PatientPoolOptions {
  readonly pool: Pool;
  /** Once aborted, a connection that cannot be had is no longer tried for. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly pauseMs?: number;
}

/** `cannot_connect_now`: graphile-worker tries a statement again that fails with it. */
const passing = '57P03';

/**
 * The connections of graphile-worker. It does not wait for the statement that ends a job, and its failure would end the process,
 * with the calls of all other jobs. So a connection is tried for until the database is back, and an outage in the middle of a
 * statement has a code with which the library tries again: to end a job twice changes nothing.
 */
export function makePatientPool({ pool, signal, log, pauseMs = 500 }: PatientPoolOptions): Pool {
  const known = new WeakSet<PoolClient>();
  const connect = async (): Promise<PoolClient> => {
    for (let tries = 1; ; tries += 1) {
      try {
        const client = await pool.connect();
        if (!known.has(client)) makeRepeatable(client);
        known.add(client);
        return client;
      } catch (error) {
        if (outageKindOf(error) === undefined) throw error;
        if (tries === 1) log.warn({ err: error }, 'cannot use the database; the queue of jobs waits for it');
      }
      // At the end, others get the jobs. Nobody waits for this any more.
      if (signal.aborted) return new Promise(() => {});
      await delay(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    }
  };
  return Object.create(pool, {
    // With a callback, it is the pool's own `query` that asks, whose failure somebody hears of.
    connect: { value: (callback?: Parameters<Pool['connect']>[0]) => (callback ? pool.connect(callback) : connect()) },
  }) as Pool;
}

/** Marks an outage in the middle of a statement as one that passes. */
function makeRepeatable(client: PoolClient): void {
  const query: (...args: readonly unknown[]) => unknown = client.query.bind(client);
  const repeatable = (...args: readonly unknown[]) => {
    const result = query(...args);
    return result instanceof Promise ? result.catch(failAsPassing) : result;
  };
  Object.assign(client, { query: repeatable });
}

function failAsPassing(cause: unknown): never {
  if (outageKindOf(cause) === undefined) throw cause;
  throw Object.assign(new Error('The database went away in the middle of a statement', { cause }), { code: passing });
}
