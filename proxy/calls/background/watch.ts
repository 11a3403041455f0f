import type { Logger } from 'pino';
import {
  claimPendingCalls,
  findPendingCall,
  nextCheckInMs,
  type PendingCall,
} from '../../../database/pending-calls.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { ProxyError } from '../../error.ts';
import type { InFlight } from '../../in-flight.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Exchange } from '../../providers/exchange.ts';
import { asString, type Body, parseObject } from '../../providers/json.ts';
import { type RelayedAnswer, readWhole, relay } from '../../providers/relay.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';
import type { Spool } from '../../spool/spool.ts';
import type { AccountingTerms } from '../settle/account.ts';
import type { LateEnd } from '../settle/late-end.ts';
import { makePartsSettlement } from './settle-parts.ts';

/** Looks after the calls that their providers work on after the answer, until each has its end. */
export interface BackgroundWatch {
  /** Settles the call that an answer tells the end of, if it does and that is not settled yet. */
  observe(answer: Buffer | string): Promise<void>;
  /** Asks the provider for the call of this id, as long as it still can be asked. */
  lookAt(responseId: string): Promise<void>;
  /** Told that there is one more. */
  expect(): void;
  stop(): Promise<void>;
}

export interface BackgroundWatchOptions {
  readonly organizationId: string;
  /** @throws where nothing is in force */
  readonly inForce: () => { readonly snapshot: Snapshot; readonly terms: AccountingTerms };
  /** Those whose calls may go on, by the name in their records. */
  readonly operations: ReadonlyMap<string, Operation>;
  readonly spool: Pick<Spool, 'findDeferred'>;
  /** Told of a batch as its provider tells of it, before its caller is. */
  readonly onBatch: (batch: Body, pending: PendingCall) => void;
  readonly query: <T>(work: (db: Queryable) => Promise<T>) => Promise<T>;
  readonly exchange: Exchange;
  readonly inFlight: InFlight;
  readonly settle: (pending: PendingCall, end: LateEnd, terms: AccountingTerms) => void;
  readonly log: Logger;
}

/** A proxy that has none of its own looks this often for those that another one has left behind. */
const idleMs = 30_000;
/** After one is deferred: the time until it is due, and to reach the database. */
const firstLookMs = 2_200;
const claimed = 20;
/** A provider that is slow to say how far it is will be asked again. */
const lookTimeoutMs = 30_000;
/** What a batch was answered with may be hundreds of megabytes. */
const partsTimeoutMs = 600_000;
/** A batch may take a day; what has not ended in two is not waited for any more. */
const giveUpMs = 48 * 3_600_000;

function isLate({ started_at }: PendingCall): boolean {
  return Date.now() - Date.parse(started_at) > giveUpMs;
}

/**
 * Starts the watch. What is pending is in the database, where every proxy of the organization takes its share; each
 * look is at one proxy's turn, so none is asked for twice at once, and a proxy that ends leaves its share to the others.
 */
export function watchBackground(options: BackgroundWatchOptions): BackgroundWatch {
  const { organizationId, inForce, operations, spool, query, onBatch, exchange, inFlight, settle, log } = options;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = Number.POSITIVE_INFINITY;
  let working: Promise<void> | undefined;
  /** Whether one more came while the others were looked at. */
  let expectsMore = false;

  const parts = makePartsSettlement({
    terms: () => inForce().terms,
    get(pending, path) {
      const key = inForce().snapshot.keys.get(pending.api_key_id ?? '');
      return key && get(key, path, partsTimeoutMs);
    },
    settle,
    isLate,
    log,
  });

  const settleIfOver = (pending: PendingCall, answer: Buffer | string): void => {
    const body = parseObject(answer.toString('utf8'));
    const operation = operations.get(pending.operation);
    const reading = body && operation?.read(body, {});
    if (!body || !operation || !reading) return;
    if (reading.state === 'pending' || reading.responseId !== pending.response_id) return;
    if (pending.operation === 'batches') onBatch(body, pending);
    const end = { reading, answer: body, output: answer };
    if (operation.readParts) parts.begin(pending, end, operation.readParts);
    else settle(pending, end, inForce().terms);
  };

  const find = async (responseId: string): Promise<PendingCall | undefined> =>
    spool.findDeferred(responseId) ?? (await query((db) => findPendingCall(db, organizationId, responseId)));

  const ask = async (pending: PendingCall): Promise<void> => {
    const { snapshot, terms } = inForce();
    const key = snapshot.keys.get(pending.api_key_id ?? '');
    const answer = key && (await send(key, pending));
    if (answer?.status === 404) settle(pending, { errorCode: 'response_not_found' }, terms);
    else if (answer?.status === 200) await readEnd(pending, answer);
    else answer?.body.destroy();
    // Where that has settled it, this does nothing.
    if (isLate(pending) && !parts.isUnderWay(pending)) settle(pending, { errorCode: 'background_timeout' }, terms);
  };

  const readEnd = async (pending: PendingCall, answer: RelayedAnswer): Promise<void> => {
    const share = inFlight.open();
    try {
      settleIfOver(pending, await readWhole(answer, share));
    } finally {
      share.release();
    }
  };

  const send = (key: RoutedKey, { operation, response_id }: PendingCall): Promise<RelayedAnswer> | undefined => {
    const path = operations.get(operation)?.path;
    if (path === undefined) return undefined;
    return get(key, `${path}/${encodeURIComponent(response_id)}`, lookTimeoutMs);
  };

  const get = (key: RoutedKey, path: string, timeoutMs: number): Promise<RelayedAnswer> =>
    relay(exchange, {
      method: 'GET',
      path,
      key,
      headers: { 'user-agent': 'chaperone', accept: 'application/json' },
      body: undefined,
      signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(timeoutMs)]),
    });

  /** Of a key that serves another namespace nothing can be asked here: its calls are left to that namespace's proxies. */
  const scope = () => ({ apiKeyIds: [...inForce().snapshot.keys.keys()], giveUpMs });

  const round = async (): Promise<number> => {
    for (;;) {
      const calls = await query((db) => claimPendingCalls(db, organizationId, scope(), claimed));
      const results = await Promise.allSettled(calls.map(ask));
      for (const result of results) {
        if (result.status === 'rejected') log.debug({ err: result.reason }, 'a pending call could not be asked for');
      }
      if (calls.length < claimed || stopping.signal.aborted) break;
    }
    return (await query((db) => nextCheckInMs(db, organizationId, scope()))) ?? idleMs;
  };

  const work = async () => {
    let nextMs = idleMs;
    try {
      nextMs = await round();
    } catch (error) {
      log.debug({ err: error }, 'pending calls cannot be looked at now');
    }
    working = undefined;
    const soonestMs = expectsMore ? firstLookMs : idleMs;
    expectsMore = false;
    schedule(Math.min(Math.max(nextMs, 0) + Math.random() * 100, soonestMs));
  };

  /** The sooner of this and what was planned. */
  const schedule = (afterMs: number) => {
    const atMs = Date.now() + afterMs;
    if (stopping.signal.aborted || working || atMs >= dueAtMs) return;
    clearTimeout(timer);
    dueAtMs = atMs;
    timer = setTimeout(() => {
      dueAtMs = Number.POSITIVE_INFINITY;
      working = work();
    }, afterMs);
    timer.unref();
  };

  schedule(firstLookMs);
  return {
    async observe(answer) {
      const body = parseObject(answer.toString('utf8'));
      const id = asString(body?.id);
      // Of responses, only those that were made in the background can be pending.
      if (!body || id === null || (body.object === 'response' && body.background !== true)) return;
      try {
        const pending = await find(id);
        if (pending) settleIfOver(pending, answer);
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error;
        // Without the database it is settled later.
      }
    },
    async lookAt(responseId) {
      try {
        const pending = await find(responseId);
        if (pending) await ask(pending);
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error;
      }
    },
    expect() {
      expectsMore = working !== undefined;
      schedule(firstLookMs);
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await working;
      await parts.idle();
    },
  };
}
