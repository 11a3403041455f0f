import type { FastifyInstance } from 'fastify';
import { requestStartedAtMs } from '../../../database/ids.ts';
import { chat } from '../../pipeline/operations/chat.ts';
import { embeddings } from '../../pipeline/operations/embeddings.ts';
import type { Operation } from '../../pipeline/operations/operation.ts';
import { responses } from '../../pipeline/operations/responses.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { ownHeaders, type Refusals } from './refusals.ts';

const operations: readonly Operation[] = [responses, chat, embeddings];

/** The governed calls. They write on the raw response, so that an answer's bytes pass as they come. */
export function registerCalls(app: FastifyInstance, pipeline: Pipeline, refuse: Refusals['refuse']): void {
  for (const operation of operations) {
    app.post(operation.path, (request, reply) => {
      reply.hijack();
      pipeline
        .run({
          operation,
          requestId: request.id,
          startedAtMs: requestStartedAtMs(request.id) ?? Date.now(),
          startedTicks: request.startedTicks,
          caller: request.caller,
          headers: request.headers,
          rawBody: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
          response: reply.raw,
          responseHeaders: ownHeaders(request),
          refuse: (error) => refuse(request, reply, error),
        })
        .catch((error: unknown) => refuse(request, reply, error));
    });
  }
}
