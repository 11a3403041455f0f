import type { Logger } from 'pino';
import { type ProviderPause, readPauses, writePauses } from '../../../database/provider-pauses.ts';
import type { Queryable } from '../../../database/queryable.ts';
import type { PauseSharing } from './health.ts';

export interface SharePausesOptions {
  readonly organizationId: string;
  readonly write: <T>(work: (db: Queryable) => Promise<T>) => Promise<T>;
  readonly read: <T>(work: (db: Queryable) => Promise<T>) => Promise<T>;
  /** Called with all that the proxies know together. */
  readonly onPauses: (pauses: readonly ProviderPause[]) => void;
  readonly log: Logger;
  /** How long changes are gathered before they are written. Absent: 100 ms. */
  readonly gatherMs?: number;
}

/** Shares what one proxy leaves alone with the organization's others, through the database. No call waits for it. */
export interface SharedPauses extends PauseSharing {
  /** Reads what the proxies know together. */
  look(): void;
  /** Resolves when nothing is being read or written. */
  stop(): Promise<void>;
}

/** A change that the database does not have yet. */
type Change = { readonly pause: ProviderPause; readonly atMs: number } | 'over';

/** Calls name models, so there may be any number of limits. More of them are not told at once. */
const maxWaiting = 50;
/** How often changes are written at most. */
const restMs = 1_000;

/** Where the database is away, each proxy goes by what it sees itself. */
export function sharePauses({ organizationId, write, read, onPauses, log, gatherMs = 100 }: SharePausesOptions) {
  let waiting = new Map<string, Change>();
  /** What is being written. */
  let writing: ReadonlyMap<string, Change> = new Map();
  let timer: NodeJS.Timeout | undefined;
  let work: Promise<void> = Promise.resolve();
  let isReading = false;
  let readsAgain = false;
  let hasStopped = false;
  let flushedAtMs = Number.NEGATIVE_INFINITY;

  const flush = async () => {
    timer = undefined;
    writing = waiting;
    waiting = new Map();
    const now = performance.now();
    flushedAtMs = now;
    const begun: ProviderPause[] = [];
    const over: string[] = [];
    for (const [id, change] of writing) {
      if (change === 'over') over.push(id);
      else begun.push({ ...change.pause, remainingMs: change.pause.remainingMs - (now - change.atMs) });
    }
    try {
      await write((db) => writePauses(db, organizationId, begun, over));
    } catch (error) {
      // What lasts is told again, since each failure makes it longer.
      log.warn({ err: error }, 'cannot tell the other proxies which providers fail');
    } finally {
      writing = new Map();
    }
  };
  const change = (id: string, made: Change) => {
    const isLimit = made !== 'over' && made.pause.scope === 'model';
    if (hasStopped || (isLimit && waiting.size >= maxWaiting)) return;
    waiting.set(id, made);
    if (timer) return;
    const delayMs = Math.max(gatherMs, flushedAtMs + restMs - performance.now());
    timer = setTimeout(() => {
      work = work.then(flush);
    }, delayMs);
    timer.unref();
  };
  const isEnding = ({ id }: ProviderPause) => (waiting.get(id) ?? writing.get(id)) === 'over';
  const look = async () => {
    isReading = true;
    try {
      do {
        readsAgain = false;
        const pauses = await read((db) => readPauses(db, organizationId));
        if (!hasStopped) onPauses(pauses.filter((pause) => !isEnding(pause)));
      } while (readsAgain && !hasStopped);
    } catch (error) {
      log.warn({ err: error }, 'cannot read which providers fail at other proxies');
    } finally {
      isReading = false;
    }
  };
  return {
    begun: (pause) => change(pause.id, { pause, atMs: performance.now() }),
    over: (id) => change(id, 'over'),
    look() {
      readsAgain = true;
      if (!isReading && !hasStopped) void look();
    },
    async stop() {
      hasStopped = true;
      clearTimeout(timer);
      await work;
    },
  } satisfies SharedPauses;
}
