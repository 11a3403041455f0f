import { Type } from 'typebox';
import { readSummary } from '../../governance/insights/summary/summary.ts';
import { readers } from '../../http/described.ts';
import { Nullable } from '../../http/schemas.ts';
import { answer, Enveloped } from './answer.ts';
import { route } from './route.ts';

const day = Type.String({ maxLength: 40, description: 'An ISO date, such as `2026-08-01`.' });
const share = Type.Number({ description: 'From 0 to 1.' });
const sentiment = Nullable(
  Type.Number(),
  'From 0, all negative, to 1, all positive: the mean of (1 + positive - negative) / 2. Null: nothing was rated.',
);
const groups = { daily: 'day', weekly: 'week', monthly: 'month' } as const;

/** `/api/v1/analytics/summary` */
export const summaryRoutes = [
  route(
    'GET',
    '/analytics/summary',
    {
      tags: ['Summary'],
      summary: 'Sum up what customers said',
      description:
        'For analysts and reviewers: over the texts that were analysed and the conversations with the support desk that began in the period, the last 30 days where it is absent. Days are those of UTC.',
      querystring: Type.Object({
        start_date: Type.Optional(day),
        end_date: Type.Optional(day),
        granularity: Type.Optional(
          Type.Enum(['daily', 'weekly', 'monthly'], {
            default: 'daily',
            description: 'How `timeline_data` is grouped. A week begins on Monday.',
          }),
        ),
      }),
      problems: ['surface_not_allowed', 'role_required', 'store_unavailable'],
      roles: readers,
      response: {
        200: Enveloped(
          Type.Object({
            total_conversations: Type.Integer(),
            sentiment_distribution: Type.Object({ positive: share, negative: share, neutral: share }),
            average_satisfaction: Nullable(
              Type.Number(),
              'The mean of the ratings of conversations, from 1 to 5. Null: nobody has rated any.',
            ),
            response_time_avg: Nullable(Type.Number(), 'Seconds until the desk answered. Null: it has not.'),
            resolution_rate: Nullable(Type.Number(), 'The share that the desk has resolved. Null: none has begun.'),
            timeline_data: Type.Array(
              Type.Object({
                date: Type.String({ description: 'The first day of the group.' }),
                conversations: Type.Integer(),
                avg_sentiment: sentiment,
              }),
            ),
            top_issues: Type.Array(Type.Object({ issue: Type.String(), count: Type.Integer(), sentiment }), {
              description: 'What most queries were about that answers were generated to: their categories.',
            }),
          }),
        ),
      },
    },
    async ({ caller, query }, context) => {
      const { start_date: startDate, end_date: endDate, granularity = 'daily' } = query;
      const found = await readSummary(context, caller, { startDate, endDate, group: groups[granularity] });
      return answer({
        total_conversations: found.conversations,
        sentiment_distribution: { positive: found.positive, negative: found.negative, neutral: found.neutral },
        average_satisfaction: found.satisfaction,
        response_time_avg: found.responseSeconds,
        resolution_rate: found.resolutionRate,
        timeline_data: found.timeline.map(({ date, conversations, sentiment: mean }) => ({
          ...{ date, conversations },
          avg_sentiment: mean,
        })),
        top_issues: found.issues.map(({ issue, queries: count, sentiment: mean }) => ({
          issue,
          count,
          sentiment: mean,
        })),
      });
    },
  ),
];
