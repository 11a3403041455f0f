import type { Client } from 'pg';
import type { Logger } from 'pino';
import { connectClient, makeClient } from '../database/client.ts';
import { keepsConnection, outageKindOf, outages } from '../database/outage.ts';
import type { Queryable } from '../database/queryable.ts';
import { ProxyError } from './error.ts';
import { makeQueue } from './queue.ts';

/** The proxy's connection for reading and writing the organization's rows. No call waits for it. */
export interface Store {
  /**
   * Runs `work` on the connection, strictly after earlier work and before later work, so that it may open a
   * transaction.
   *
   * @throws {ProxyError} `store_unavailable` where the database cannot be used; other errors of `work` pass through
   */
  run<T>(work: (db: Queryable) => Promise<T>): Promise<T>;
  /**
   * The same connection for the further steps of a request whose first one is done: its work goes before all other work
   * that waits. Of many requests at once, each would otherwise wait for the first steps of all.
   */
  readonly ahead: Store;
  /** Waits for the current work, then closes the connection. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Called for each connection, since passwords rotate. */
  readonly databaseUrl: () => string;
  readonly log: Logger;
}

/** The refusal of what needs the database while it cannot be used. It says why, as far as that is known. */
export function storeUnavailable(cause: unknown, headers: Readonly<Record<string, string>> = {}): ProxyError {
  const kind = outageKindOf(cause);
  return new ProxyError('store_unavailable', {
    ...{ cause, headers },
    ...(kind !== undefined && { message: `${outages[kind]}; try again` }),
  });
}

/** Makes the store. It connects at the first use, and reconnects after each failure. */
export function makeStore({ databaseUrl, log }: StoreOptions): Store {
  let client: Client | undefined;
  /** The URL of the current connection. */
  let connectedUrl = '';
  const queue = makeQueue();

  const open = async (url: string): Promise<Client> => {
    const next = makeClient({
      databaseUrl: url,
      name: 'chaperone-proxy-store',
      onError: (error) => log.warn({ err: error }, 'lost the database'),
    });
    next.once('end', () => {
      if (client === next) client = undefined;
    });
    await connectClient(next);
    return next;
  };
  const connect = async (): Promise<Client> => {
    const url = databaseUrl();
    if (client && url === connectedUrl) return client;
    const former = client;
    // A connection with a replaced password works for some more minutes, so it serves until the new one is open.
    const next = await open(url).catch((error: unknown) => {
      if (former && former === client) return former;
      throw error;
    });
    if (next === former) return former;
    void former?.end().catch(() => {});
    client = next;
    connectedUrl = url;
    return next;
  };
  const disconnect = () => {
    void client?.end().catch(() => {});
    client = undefined;
  };
  const attempt = async <T>(work: (db: Queryable) => Promise<T>): Promise<T> => {
    try {
      return await work(await connect());
    } catch (cause) {
      const kind = outageKindOf(cause);
      if (kind === undefined) throw cause;
      if (!keepsConnection(kind)) disconnect();
      throw storeUnavailable(cause);
    }
  };

  const close = async () => {
    await queue.isEmpty();
    await client?.end().catch(() => {});
  };
  const ahead: Store = {
    run: (work) => queue.addNext(() => attempt(work)),
    get ahead() {
      return ahead;
    },
    close,
  };
  return { run: (work) => queue.add(() => attempt(work)), ahead, close };
}
