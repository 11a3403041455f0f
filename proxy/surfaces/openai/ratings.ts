import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { nobody } from '../../../database/ids.ts';
import type { RequestReference } from '../../../database/requests.ts';
import { ProxyError } from '../../error.ts';
import { parseBody } from '../../pipeline/body.ts';
import type { Spool } from '../../spool/spool.ts';

export interface RatingsOptions {
  readonly spool: Spool;
  /** A call of the organization's by request id or response id, wherever it was made. */
  readonly findRequest: (id: string) => Promise<RequestReference | undefined>;
}

const maxFeedbackLength = 10_000;

/** `POST /v1/responses/{id}/rate`, by request id or response id. A rating goes the way of usage: spooled, never lost. */
export function registerRatings(app: FastifyInstance, { spool, findRequest }: RatingsOptions): void {
  app.post<{ Params: { id: string } }>('/responses/:id/rate', async (request) => {
    const body = parseBody(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    const rating = readRating(body.rating);
    const feedback = readFeedback(body.feedback);
    const rated = await findRequest(request.params.id);
    if (!rated) throw new ProxyError('request_not_found', { param: 'id' });
    const { userId } = request.caller;
    const record = {
      rating_id: randomUUID(),
      request_id: rated.requestId,
      response_id: rated.responseId,
      rating,
      feedback,
      rated_by: userId === nobody ? null : userId,
      rated_at: new Date().toISOString(),
    };
    try {
      spool.rate(record);
    } catch (cause) {
      throw new ProxyError('spool_unwritable', { cause });
    }
    const { request_id, response_id, rated_at } = record;
    return { request_id, response_id, rating, feedback, rated_at };
  });
}

function readRating(value: unknown): 1 | -1 {
  if (value === 1 || value === -1) return value;
  throw new ProxyError('invalid_request', {
    param: 'rating',
    message: 'rating must be 1 (thumbs up) or -1 (thumbs down)',
  });
}

function readFeedback(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && value.length <= maxFeedbackLength)
    return value.toWellFormed().replaceAll('\0', '\ufffd');
  const message = `feedback must be text of at most ${maxFeedbackLength} characters`;
  throw new ProxyError('invalid_request', { param: 'feedback', message });
}
