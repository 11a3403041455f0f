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
import type { Exchange } from '../../providers/exchange.ts';
import { asString, type Body, parseObject } from '../../providers/json.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import { type RelayedAnswer, readWhole, relay } from '../../providers/relay.ts';
import type { ProviderTable } from '../../providers/table.ts';
import type { WireFormat } from '../../providers/wire-format.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';
import type { Spool } from '../../spool/spool.ts';
import type { AccountingTerms } from '../settle/account.ts';
import { isCut, type LateEnd } from '../settle/late-end.ts';
import { makePartsSettlement } from './settle-parts.ts';

/** Watches pending calls until each has ended. */
export interface BackgroundWatch {
  /** Settles the call whose end an answer reports, if it is not settled yet. */
  observe(answer: Buffer | string): Promise<void>;
  /** Asks the provider for the call of this id at once, and settles it if it has ended there. */
  lookAt(responseId: string): Promise<void>;
  /** Call this when there is a new pending call. */
  expect(): void;
  stop(): Promise<void>;
}

export interface BackgroundWatchOptions {
  readonly organizationId: string;
  /** @throws where nothing is in force */
  readonly inForce: () => { readonly snapshot: Snapshot; readonly terms: AccountingTerms };
  /** Operations whose calls may be pending, by their name in records. */
  readonly operations: ReadonlyMap<string, OperationName>;
  readonly providers: ProviderTable;
  readonly spool: Pick<Spool, 'findDeferred'>;
  /**
   * Called with the end of a response before it is settled: guardrails may hold it.
   *
   * @returns the guardrails that have found something, by name
   */
  readonly beforeEnd: (pending: PendingCall, answer: Body) => Promise<readonly string[]>;
  /** Called with a batch from the provider, before the caller gets it. */
  readonly onBatch: (batch: Body, pending: PendingCall) => void;
  readonly query: <T>(work: (db: Queryable) => Promise<T>) => Promise<T>;
  readonly exchange: Exchange;
  readonly inFlight: InFlight;
  readonly settle: (pending: PendingCall, end: LateEnd, terms: AccountingTerms) => void;
  readonly log: Logger;
}

/** How often a proxy without pending calls checks for those that another proxy has left behind. */
const idleMs = 30_000;
/** When to poll after a call was deferred: the time until it is due, and until it is in the database. */
const firstLookMs = 2_200;
const claimed = 20;
/** Time limit of one poll. A slow provider is polled again. */
const lookTimeoutMs = 30_000;
/** The output of a batch may have hundreds of megabytes. */
const partsTimeoutMs = 600_000;
/** A batch may take a day. A call that has not ended after two days is given up. */
const giveUpMs = 48 * 3_600_000;
/** Nobody waits for an answer that broke off. The usage of one that goes on at the provider for longer stays unknown. */
const giveUpCutMs = 600_000;

function isLate(pending: PendingCall): boolean {
  return Date.now() - Date.parse(pending.started_at) > (isCut(pending) ? giveUpCutMs : giveUpMs);
}

/** Whether the provider does not have the answer, and will not. One that does not keep answers may say so in any way. */
function isGone(pending: PendingCall, status: number): boolean {
  return status === 404 || (isCut(pending) && status >= 400 && status < 500 && status !== 429);
}

/**
 * Starts the watch. Pending calls are in the database, and all proxies of the organization share the polling. Only one
 * proxy polls a call at a time, and a proxy that ends leaves its calls to the others.
 */
export function watchBackground(options: BackgroundWatchOptions): BackgroundWatch {
  const { organizationId, inForce, operations, providers, spool, query, onBatch, beforeEnd } = options;
  const { exchange, inFlight, settle, log } = options;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let dueAtMs = Number.POSITIVE_INFINITY;
  let working: Promise<void> | undefined;
  /** Whether a new pending call came during the current round. */
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

  /** How the provider of a call answers. One that the Organization does not name any more answered as OpenAI does. */
  const formatOf = ({ provider, operation }: PendingCall): WireFormat | undefined => {
    const name = operations.get(operation);
    const { type = 'openai' } = inForce().snapshot.providers.get(provider) ?? {};
    return name && providers[type].formats[name];
  };

  const settleIfOver = async (pending: PendingCall, answer: Buffer | string): Promise<void> => {
    const body = parseObject(answer.toString('utf8'));
    const format = formatOf(pending);
    const reading = body && format?.read(body, {});
    if (!body || !format || reading?.responseId !== pending.response_id) {
      // What answers with something else does not keep answers.
      if (isCut(pending)) settle(pending, { errorCode: 'response_not_found' }, inForce().terms);
      return;
    }
    if (reading.state === 'pending') return;
    if (pending.operation === 'batches') onBatch(body, pending);
    const end = { reading, answer: body, output: answer };
    if (format.readParts) parts.begin(pending, end, format.readParts);
    else settle(withHits(pending, await beforeEnd(pending, body)), end, inForce().terms);
  };

  const find = async (responseId: string): Promise<PendingCall | undefined> =>
    spool.findDeferred(responseId) ?? (await query((db) => findPendingCall(db, organizationId, responseId)));

  /** @param isFirst whether a provider that does not know the call may only be late */
  const ask = async (pending: PendingCall, isFirst = false): Promise<void> => {
    const { snapshot, terms } = inForce();
    const key = snapshot.keys.get(pending.api_key_id ?? '');
    const answer = key && (await send(key, pending));
    if (answer?.status === 200) {
      await readEnd(pending, answer);
    } else {
      answer?.body.destroy();
      if (answer && !isFirst && isGone(pending, answer.status))
        settle(pending, { errorCode: 'response_not_found' }, terms);
    }
    // If the call is already settled, this does nothing.
    if (isLate(pending) && !parts.isUnderWay(pending)) settle(pending, { errorCode: 'background_timeout' }, terms);
  };

  const readEnd = async (pending: PendingCall, answer: RelayedAnswer): Promise<void> => {
    const share = inFlight.open();
    try {
      await settleIfOver(pending, await readWhole(answer, share));
    } finally {
      share.release();
    }
  };

  const send = (key: RoutedKey, pending: PendingCall): Promise<RelayedAnswer> | undefined => {
    const format = formatOf(pending);
    return format && get(key, `${format.path}/${encodeURIComponent(pending.response_id)}`, lookTimeoutMs);
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

  /** This proxy cannot use keys of other namespaces, so their calls are left to those namespaces' proxies. */
  const scope = () => ({ apiKeyIds: [...inForce().snapshot.keys.keys()], giveUpMs });

  const round = async (): Promise<number> => {
    for (;;) {
      const calls = await query((db) => claimPendingCalls(db, organizationId, scope(), claimed));
      const results = await Promise.allSettled(calls.map((pending) => ask(pending)));
      for (const result of results) {
        if (result.status === 'rejected') log.debug({ err: result.reason }, 'cannot poll a pending call');
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
      log.debug({ err: error }, 'cannot read pending calls now');
    }
    working = undefined;
    const soonestMs = expectsMore ? firstLookMs : idleMs;
    expectsMore = false;
    schedule(Math.min(Math.max(nextMs, 0) + Math.random() * 100, soonestMs));
  };

  /** Schedules the next round, unless an earlier one is planned. */
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
      // Only background responses can be pending.
      if (!body || id === null || (body.object === 'response' && body.background !== true)) return;
      try {
        const pending = await find(id);
        if (pending) await settleIfOver(pending, answer);
      } catch (error) {
        if (!(error instanceof ProxyError)) throw error;
        // During an outage of the database, the call is settled later.
      }
    },
    async lookAt(responseId) {
      try {
        const pending = await find(responseId);
        if (pending) await ask(pending, isCut(pending));
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

function withHits(pending: PendingCall, hits: readonly string[]): PendingCall {
  if (hits.length === 0) return pending;
  return { ...pending, guardrail_hits: [...new Set([...(pending.guardrail_hits ?? []), ...hits])] };
}
