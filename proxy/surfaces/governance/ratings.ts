import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { nobody } from '../../../database/ids.ts';
import { seesOrganization } from '../../calls/admit/admit.ts';
import { ProxyError } from '../../error.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import type { GovernanceContext } from './context.ts';

const Rating = Type.Union([Type.Literal(1), Type.Literal(-1)], {
  enum: [1, -1],
  description: '1: thumbs up, -1: thumbs down.',
});

/** `POST /v1/responses/{id}/rate`, by request id or response id. A rating goes the way of usage: spooled, never lost. */
export function registerRatings(app: SurfaceApp, { spool, findRequest }: GovernanceContext): void {
  app.post(
    '/responses/:id/rate',
    {
      schema: {
        tags: ['Ratings'],
        summary: 'Rate a response',
        description: 'By its request id or its response id. Rating again replaces the rating and keeps the old one.',
        params: Type.Object({ id: Type.String({ description: '`req_…` or `resp_…`' }) }),
        body: Type.Object(
          {
            rating: Rating,
            feedback: Type.Optional(Nullable(Type.String({ maxLength: 10_000 }))),
          },
          { additionalProperties: false, example: { rating: 1, feedback: 'Very helpful and accurate.' } },
        ),
        problems: ['request_not_found', 'spool_unwritable', 'store_unavailable'],
        response: {
          200: Type.Object({
            request_id: Type.String(),
            response_id: Nullable(Type.String()),
            rating: Rating,
            feedback: Nullable(Type.String()),
            rated_at: Timestamp,
          }),
        },
      },
    },
    async ({ params, caller, body }) => {
      const rated = await findRequest(params.id);
      const { userId } = caller;
      if (!rated || (rated.userId !== userId && !seesOrganization(caller))) {
        throw new ProxyError('request_not_found', { param: 'id' });
      }
      const record = {
        rating_id: randomUUID(),
        request_id: rated.requestId,
        response_id: rated.responseId,
        user_id: rated.userId,
        rating: body.rating,
        feedback: body.feedback == null ? null : body.feedback.toWellFormed().replaceAll('\0', '\ufffd'),
        rated_by: userId === nobody ? null : userId,
        rated_at: new Date().toISOString(),
      };
      try {
        spool.rate(record);
      } catch (cause) {
        throw new ProxyError('spool_unwritable', { cause });
      }
      const { request_id, response_id, rating, feedback, rated_at } = record;
      return { request_id, response_id, rating, feedback, rated_at };
    },
  );
}
