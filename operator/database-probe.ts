import type { Client } from 'pg';
import { makeClient } from '../database/client.ts';

export interface DatabaseProbe {
  /** @throws where the database cannot be used */
  ask(): Promise<void>;
  close(): Promise<void>;
}

const answerWithinMs = 3_000;

/** Probes the database on its own connection, so that the answer never waits for a long statement. */
export function makeDatabaseProbe(databaseUrl: string): DatabaseProbe {
  let client: Client | undefined;
  const drop = async (one: Client) => {
    if (client === one) client = undefined;
    await one.end().catch(() => {});
  };
  const connect = async () => {
    const made = makeClient({
      ...{ databaseUrl, name: 'chaperone-operator-health', queryTimeoutMs: answerWithinMs },
      onError: () => void drop(made),
    });
    try {
      await made.connect();
    } catch (error) {
      await made.end().catch(() => {});
      throw error;
    }
    client = made;
    return made;
  };
  return {
    async ask() {
      const asked = client ?? (await connect());
      try {
        await asked.query('select 1');
      } catch (error) {
        // A connection that does not answer is of no further use.
        void drop(asked);
        throw error;
      }
    },
    async close() {
      if (client) await drop(client);
    },
  };
}
