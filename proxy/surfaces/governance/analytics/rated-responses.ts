import { Type } from 'typebox';
import { type RatedResponse, readRatedResponses } from '../../../governance/figures/rated-responses.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { paging } from '../../../http/paging.ts';
import { Nullable, Timestamp, Uuid } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { examplePeriod, filtered_by_user, period, showPeriod } from './figures.ts';
import { filters, parseQuestion, personaFilter } from './filter.ts';

const Rated = Type.Object({
  request_id: Type.String(),
  response_id: Nullable(Type.String()),
  session_id: Nullable(Type.String()),
  user_id: Nullable(Type.String(), 'The user whose call it was.'),
  persona_id: Nullable(Uuid),
  model: Nullable(Type.String(), 'As it was asked for; of a batch, as it answered.'),
  response_model: Nullable(Type.String(), 'As the provider named it in its answer.'),
  rating: Type.Integer({ enum: [1, -1] }),
  feedback: Nullable(Type.String()),
  rated_at: Timestamp,
  created_at: Nullable(Timestamp, 'When the call was made.'),
  total_tokens: Nullable(Type.Integer()),
  total_cost: Nullable(Type.Number(), 'US dollars; null where the price is not known.'),
});

const Answer = Type.Object(
  {
    responses: Type.Array(Rated, { description: 'The latest rated first.' }),
    total_rated: Type.Integer(),
    positive_count: Type.Integer(),
    negative_count: Type.Integer(),
    excluded: Type.Object(
      { total_rated: Type.Integer() },
      { description: 'Ratings of the other kind of calls, which are left out here.' },
    ),
    ...period,
    filtered_by_user,
  },
  {
    example: {
      responses: [
        {
          request_id: 'req_abc123def456',
          response_id: 'resp_xyz789',
          session_id: 'sess_1234567890abcdef',
          user_id: 'user@example.com',
          persona_id: null,
          model: 'gpt-4o',
          response_model: 'gpt-4o-2024-08-06',
          rating: 1,
          feedback: 'Very helpful and accurate.',
          rated_at: '2026-06-07T12:35:00.000Z',
          created_at: '2026-06-07T12:34:56.000Z',
          total_tokens: 400,
          total_cost: 0.0031,
        },
      ],
      total_rated: 1,
      positive_count: 1,
      negative_count: 0,
      excluded: { total_rated: 0 },
      ...examplePeriod,
      filtered_by_user: null,
    },
  },
);

/** `GET /v1/analytics/rated-responses` */
export const ratedResponses = route(
  'GET',
  '/analytics/rated-responses',
  {
    tags: ['Analytics'],
    summary: 'Rated responses',
    description: 'Those that were rated in the period, by the rating that stands.',
    querystring: Type.Object({ ...filters, ...personaFilter, ...paging }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Answer },
  },
  async ({ caller, query }, context) => {
    const figures = await readRatedResponses(context, caller, parseQuestion(query), query);
    return {
      responses: figures.responses.map(show),
      total_rated: figures.rated,
      positive_count: figures.positive,
      negative_count: figures.negative,
      excluded: { total_rated: figures.excluded },
      ...showPeriod(figures.period),
      filtered_by_user: figures.filteredByUser,
    };
  },
);

function show(rated: RatedResponse) {
  return {
    request_id: rated.requestId,
    response_id: rated.responseId,
    session_id: rated.sessionId,
    user_id: rated.externalId,
    persona_id: rated.personaId,
    model: rated.model,
    response_model: rated.responseModel,
    rating: rated.rating,
    feedback: rated.feedback,
    rated_at: rated.ratedAt.toISOString(),
    created_at: rated.startedAt?.toISOString() ?? null,
    total_tokens: rated.totalTokens === null ? null : Number(rated.totalTokens),
    total_cost: rated.costUsd === null ? null : Number(rated.costUsd),
  };
}
