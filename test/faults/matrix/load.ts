import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../until.ts';
import { type CallKind, everyKind, kinds, type Outcome } from './calls.ts';
import type { Seen } from './ledger.ts';

export interface LoadOptions {
  /** Unique to the run: it begins all marks. */
  readonly run: string;
  readonly token: string;
  /** Where the next call goes. */
  readonly target: () => string;
  readonly kinds?: readonly CallKind[];
  /** Directives for the sandbox, for each call. */
  readonly directives?: (number: number) => string;
  /** How long a client waits before it leaves. Absent: it never does. */
  readonly leaves?: (number: number) => number | undefined;
  readonly clients?: number;
  /** Each client makes a call in so long, or slower. */
  readonly paceMs?: number;
}

/** Clients that make every kind of call, again and again, until they are stopped. */
export interface Load {
  /** What clients have seen so far. */
  readonly seen: readonly Seen[];
  /** How many calls have begun. */
  begun(): number;
  /** Lets the calls end that are under way, and begins none until the load goes on. */
  pause(): Promise<void>;
  goOn(): void;
  /** Lets the calls end that are under way. */
  stop(): Promise<readonly Seen[]>;
}

/** A call that has not ended by then has hung. */
const patienceMs = 90_000;
/** A client does not come again at once where nobody listens. */
const afterCutMs = 150;
/** A few texts and users, each for many calls. */
const shared = { cached: 5, limited: 3 } as const;

export function startLoad(options: LoadOptions): Load {
  const { run, paceMs = 40, clients = 12 } = options;
  const mix = options.kinds ?? everyKind;
  const seen: Seen[] = [];
  let loading = true;
  let number = 0;
  let running = 0;
  let paused: PromiseWithResolvers<void> | undefined;

  const client = async () => {
    while (loading) {
      await paused?.promise;
      const pause = sleep(paceMs);
      number += 1;
      const kind = mix[number % mix.length] ?? 'plain';
      running += 1;
      const call = await makeCall(options, kind, number);
      seen.push(call);
      running -= 1;
      await pause;
      if (call.end === 'cut') await sleep(afterCutMs);
    }
  };
  const all = Array.from({ length: clients }, client);
  return {
    seen,
    begun: () => number,
    async pause() {
      paused = Promise.withResolvers();
      await until(() => running === 0, 'the calls to end that are under way', 2 * patienceMs);
    },
    goOn() {
      paused?.resolve();
      paused = undefined;
    },
    async stop() {
      loading = false;
      paused?.resolve();
      await Promise.all(all);
      return seen;
    },
  };

  async function makeCall({ token, target, directives, leaves }: LoadOptions, kind: CallKind, at: number) {
    const mark = kind === 'cached' ? `mark-${run}-c${at % shared.cached}` : `mark-${run}-${at}`;
    const session = kind === 'cached' ? `${mark}~${at}` : mark;
    const user = kind === 'limited' ? `limited-${run}-${at % shared.limited}` : `user-${at % 20}`;
    const startedAt = performance.now();
    const signals = [AbortSignal.timeout(patienceMs)];
    const leavesMs = leaves?.(at);
    if (leavesMs !== undefined) signals.push(AbortSignal.timeout(leavesMs));
    const context = {
      ...{
        baseUrl: target(),
        token,
        mark,
        directives: directives?.(kind === 'cached' ? at % shared.cached : at) ?? '',
      },
      headers: { 'x-user-id': user, 'x-session-id': session },
      signal: AbortSignal.any(signals),
    };
    const outcome = await endOf(kinds[kind](context), leavesMs);
    return { session, kind, afterMs: performance.now() - startedAt, ...outcome };
  }
}

type End = Outcome | { readonly end: 'cut'; readonly reason: string };

async function endOf(call: Promise<Outcome>, leavesMs: number | undefined): Promise<End> {
  try {
    return await call;
  } catch (error) {
    const { name, message, cause } = error as Error;
    const reason = [name, message, cause instanceof Error ? cause.message : ''].join(' ').trim();
    // The client's own patience is a hang, unless it was to leave.
    if (name === 'TimeoutError' && leavesMs === undefined) return { end: 'untold', reason: 'it hung' };
    return { end: 'cut', reason };
  }
}
