import { finished, PassThrough, Readable, type TransformCallback, Writable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { KitContext, SurfaceApp } from '../surface.ts';
import { type IdempotentRequest, type KeptAnswer, openIdempotent } from './idempotent-request.ts';
import { digestRequest, readIdempotencyKey } from './request-digest.ts';
import { streamStatusOf } from './stream-status.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The attempt, where the request has an `Idempotency-Key`. */
    idempotent?: IdempotentRequest | undefined;
  }
}

/** Larger answers are not kept; the same request runs again. */
const maxBytes = 1024 * 1024;
/** Of these, a retry may have another outcome: nothing was done. */
const isPassing = (status: number) => status >= 500 || status === 408 || status === 429;

/**
 * Adds the hooks that make a POST with the header `Idempotency-Key` run once: the same request of the same caller gets the
 * first answer again, status and body, for 24 hours. While an attempt runs, none begins beside it; an attempt whose process
 * has ended is taken over when it was not heard of for a minute.
 *
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export function answerOnce(app: SurfaceApp, { store, log }: Pick<KitContext, 'store' | 'log'>): void {
  const end = (request: FastifyRequest, work: Promise<void>) =>
    work.catch((error: unknown) =>
      log.warn({ err: error, requestId: request.id }, 'an answer could not be kept for its Idempotency-Key'),
    );

  // After validation: what could not be understood has done nothing.
  app.addHook('preHandler', async (request, reply) => {
    if (request.method !== 'POST' || request.callContext === undefined) return;
    const key = readIdempotencyKey(request.headers['idempotency-key']);
    if (key === undefined) return;
    const { envelope, snapshot } = request.callContext.inForce;
    const { organizationId } = snapshot;
    const { keyDigest, requestDigest } = digestRequest(envelope, organizationId, request.caller, key, request);
    const place = { organizationId, keyDigest };
    const opened = await openIdempotent({ store, envelope, place, requestDigest });
    if ('body' in opened) return replay(reply, opened);
    // It is held until the attempt has ended, also where its client has gone: the hook below runs all the same.
    request.idempotent = opened;
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const { idempotent } = request;
    if (!idempotent) return payload;
    request.idempotent = undefined;
    const status = reply.statusCode;
    if (isPassing(status)) {
      await end(request, idempotent.release());
      return payload;
    }
    const keep = async (body: Buffer | undefined) => {
      const contentType = reply.getHeader('content-type')?.toString();
      await end(request, body ? idempotent.keep({ status, contentType, body }) : idempotent.release());
    };
    if (payload instanceof Readable) {
      return passOn(payload, (body) => keep(isPassing(streamStatusOf(payload) ?? status) ? undefined : body));
    }
    await keep(bytesOf(payload));
    return payload;
  });
}

function replay(reply: FastifyReply, { status, contentType, body }: KeptAnswer): FastifyReply {
  if (contentType !== undefined) reply.header('content-type', contentType);
  return reply.code(status).header('idempotency-replayed', 'true').send(body);
}

/** Undefined: there is too much. */
function bytesOf(payload: unknown): Buffer | undefined {
  const bytes =
    typeof payload === 'string' ? Buffer.from(payload) : payload instanceof Buffer ? payload : Buffer.alloc(0);
  return bytes.length > maxBytes ? undefined : bytes;
}

/**
 * Passes a stream on, whose end waits until it is kept. It is kept even if its client has gone: the client may ask again.
 * One that breaks off is not kept.
 */
function passOn(payload: Readable, keep: (body: Buffer | undefined) => Promise<void>): Readable {
  const kept = Promise.withResolvers<void>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collector = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      else chunks.length = 0;
      done();
    },
    final(done) {
      void keep(bytes > maxBytes ? undefined : Buffer.concat(chunks)).then(kept.resolve);
      done();
    },
  });
  const flush = (done: TransformCallback) => void kept.promise.then(() => done());
  const passed = new PassThrough({ flush });
  finished(payload, { writable: false }, (error) => {
    if (!error) return;
    void keep(undefined);
    passed.destroy(error);
  });
  payload.pipe(collector);
  return payload.pipe(passed);
}
