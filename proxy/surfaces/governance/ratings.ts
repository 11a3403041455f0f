import { Type } from 'typebox';
import { rateResponse } from '../../governance/ratings.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';

const Rating = Type.Union([Type.Literal(1), Type.Literal(-1)], {
  enum: [1, -1],
  description: '1: thumbs up, -1: thumbs down.',
});

export const ratingRoutes = [
  route(
    'POST',
    '/responses/:id/rate',
    {
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
    async ({ caller, params, body }, context) => {
      const given = { rating: body.rating, feedback: body.feedback ?? null };
      const { requestId, responseId, rating, feedback, ratedAt } = await rateResponse(
        context,
        caller,
        params.id,
        given,
      );
      return { request_id: requestId, response_id: responseId, rating, feedback, rated_at: ratedAt };
    },
  ),
];
