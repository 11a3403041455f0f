import { type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded-postgres.ts';

export interface DatabaseOptions {
  readonly directory: string;
  readonly log: (sentence: string) => void;
  readonly signal: AbortSignal;
  /** Called with a sentence for people when PostgreSQL has ended by itself. */
  readonly onFault: (sentence: string) => void;
}

export interface Database {
  readonly url: string;
  stop(): Promise<void>;
}

const restartMs = { first: 100, last: 10_000 };

/** Starts a PostgreSQL, and restarts it on the same port whenever it ends by itself. */
export async function startDatabase({ directory, log, signal, onFault }: DatabaseOptions): Promise<Database> {
  let postgres = await startEmbeddedPostgres({ directory, log, signal });
  const { port, url } = postgres;
  let stopped = false;

  const restart = async (): Promise<EmbeddedPostgres | undefined> => {
    for (let delayMs = restartMs.first; !stopped; delayMs = Math.min(delayMs * 2, restartMs.last)) {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      if (stopped) return undefined;
      try {
        return await startEmbeddedPostgres({ directory, port, log, signal });
      } catch (error) {
        onFault(error instanceof Error ? error.message : String(error));
      }
    }
    return undefined;
  };
  const keepRunning = async () => {
    for (;;) {
      await postgres.exited;
      if (stopped) return;
      onFault('PostgreSQL ended by itself and is being restarted. Calls go on; their usage waits in the spools.');
      const next = await restart();
      if (!next) return;
      postgres = next;
      // It was being started when it was to be stopped.
      if (stopped) return postgres.stop();
    }
  };
  const running = keepRunning();

  return {
    url,
    async stop() {
      stopped = true;
      await postgres.stop();
      await running;
    },
  };
}
