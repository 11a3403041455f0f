import { randomUUID } from 'node:crypto';
import type { Envelope } from '../../../database/envelope.ts';
import {
  beginIdempotent,
  type EarlierRequest,
  heldMs,
  holdIdempotent,
  type IdempotencyPlace,
  keepIdempotent,
  readIdempotent,
  releaseIdempotent,
  takeOverIdempotent,
} from '../../../database/idempotent-answers.ts';
import { ProxyError } from '../../error.ts';
import type { Store } from '../../store.ts';

const column = 'idempotent_answers.answer';

export interface KeptAnswer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

export interface IdempotentRequestOptions {
  readonly store: Pick<Store, 'run'>;
  readonly envelope: Envelope;
  readonly place: IdempotencyPlace;
  readonly requestDigest: Buffer;
}

/** An attempt that has the key, and says so until one of `keep` and `release` ends it. */
export interface IdempotentRequest {
  /** Keeps the answer for the same request. @throws {ProxyError} `store_unavailable` */
  keep(answer: KeptAnswer): Promise<void>;
  /** The same request may run again. @throws {ProxyError} `store_unavailable` */
  release(): Promise<void>;
}

/**
 * Begins a request with an `Idempotency-Key`, or finds the answer that it was given before.
 *
 * @throws {ProxyError} `idempotency_key_reused` where something else was asked with the key; `idempotency_in_progress`
 *   where the request still runs elsewhere; `store_unavailable`
 */
export async function openIdempotent({
  store,
  envelope,
  place,
  requestDigest,
}: IdempotentRequestOptions): Promise<IdempotentRequest | KeptAnswer> {
  const holder = randomUUID();
  const rowId = Buffer.from(place.keyDigest).toString('hex');
  const sealedAt = { organizationId: place.organizationId, column, rowId };
  const earlier = await store.run(async (db) => {
    if (await beginIdempotent(db, place, requestDigest, holder)) return undefined;
    const found = await readIdempotent(db, place);
    // It was removed in this moment.
    if (!found) return 'busy';
    if (found.isAbandoned && requestDigest.equals(found.requestDigest)) {
      return (await takeOverIdempotent(db, place, found.holder, holder)) ? undefined : 'busy';
    }
    return found;
  });
  if (earlier === 'busy') throw inProgress();
  if (earlier !== undefined) return answerOf(earlier);

  const alive = setInterval(() => {
    void store.run((db) => holdIdempotent(db, place, holder)).catch(() => {});
  }, heldMs / 3);
  alive.unref();
  const stop = () => clearInterval(alive);
  return {
    async keep({ status, contentType, body }) {
      stop();
      const sealed = envelope.seal(sealedAt, body);
      await store.run((db) => keepIdempotent(db, place, holder, { status, contentType, sealed }));
    },
    async release() {
      stop();
      await store.run((db) => releaseIdempotent(db, place, holder));
    },
  };

  function answerOf({ requestDigest: former, status, contentType, answerSealed }: EarlierRequest): KeptAnswer {
    if (!requestDigest.equals(former)) throw new ProxyError('idempotency_key_reused', { param: 'Idempotency-Key' });
    if (status === null || answerSealed === null) throw inProgress();
    return { status, contentType: contentType ?? undefined, body: envelope.open(sealedAt, answerSealed) };
  }
}

function inProgress(): ProxyError {
  return new ProxyError('idempotency_in_progress', { param: 'Idempotency-Key' });
}
