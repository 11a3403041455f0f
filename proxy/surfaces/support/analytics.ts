import { type Static, Type } from 'typebox';
import {
  type FigureName,
  readFigureNames,
  readSupportFigures,
  type SupportFigures,
  type SupportFiguresOfGroup,
} from '../../governance/support/figures.ts';
import { readers } from '../../http/described.ts';
import { Nullable } from '../../http/schemas.ts';
import { route } from './route.ts';

const day = Type.String({ description: '`YYYY-MM-DD`, in UTC.' });
const stated = Type.String({ maxLength: 64, description: 'ISO 8601; the whole day in UTC counts.' });

const figures = {
  total_conversations: Type.Integer({ description: 'That began in the period.' }),
  ai_resolved: Type.Integer({ description: 'Resolved, and never handed over.' }),
  escalated: Type.Integer({ description: 'Handed over at least once.' }),
  resolution_rate: Nullable(Type.Number(), 'ai_resolved of all; null without conversations.'),
  avg_response_time: Nullable(Type.Number(), 'Seconds from a message to its answer; null without answers.'),
  customer_satisfaction: Nullable(Type.Number(), 'The mean of the ratings; null without any.'),
};
const group = {
  date: { ...day, description: 'The first day of the group; a week begins on Monday.' },
  conversations: figures.total_conversations,
  ...Type.Omit(Type.Object(figures), ['total_conversations']).properties,
};
const Breakdown = Type.Optional(Type.Array(Type.Partial(Type.Object(group))));

const example = {
  period: { start: '2026-01-01', end: '2026-01-12' },
  metrics: {
    ...{ total_conversations: 1543, ai_resolved: 1203, escalated: 340, resolution_rate: 0.78 },
    ...{ avg_response_time: 2.3, customer_satisfaction: 4.6 },
  },
  daily_breakdown: [{ date: '2026-01-01', conversations: 125, resolution_rate: 0.76 }],
};

const breakdownOf = { day: 'daily_breakdown', week: 'weekly_breakdown', month: 'monthly_breakdown' } as const;

/** `GET /api/v1/analytics` */
export const analyticsRoutes = [
  route(
    'GET',
    '/analytics',
    {
      tags: ['Support analytics'],
      summary: 'Read figures of conversations',
      description:
        'A conversation counts on the day on which it began. `metrics` narrows the figures. Groups without conversations are left out.',
      querystring: Type.Object({
        start_date: stated,
        end_date: stated,
        metrics: Type.Optional(Type.String({ maxLength: 500, description: 'Names of figures, separated by commas.' })),
        group_by: Type.Optional(Type.Enum(['day', 'week', 'month'])),
      }),
      problems: ['role_required', 'store_unavailable'],
      roles: readers,
      response: {
        200: Type.Object(
          {
            period: Type.Object({ start: day, end: day }),
            metrics: Type.Partial(Type.Object(figures)),
            daily_breakdown: Breakdown,
            weekly_breakdown: Breakdown,
            monthly_breakdown: Breakdown,
          },
          { example },
        ),
      },
    },
    async ({ caller, query }, context) => {
      const { start_date: startDate, end_date: endDate, metrics, group_by: groupBy } = query;
      const wanted = new Set(readFigureNames(metrics));
      const read = await readSupportFigures(context, caller, { startDate, endDate, group: groupBy ?? 'month' });
      return {
        period: { start: read.period.firstDay, end: read.period.lastDay },
        metrics: only(wanted, showFigures(read.total)),
        ...(groupBy && { [breakdownOf[groupBy]]: read.groups.map((one) => showGroup(wanted, one)) }),
      };
    },
  ),
];

type Figures = Static<ReturnType<typeof Type.Object<typeof figures>>>;

function showFigures(read: SupportFigures): Figures {
  return {
    total_conversations: read.conversations,
    ai_resolved: read.aiResolved,
    escalated: read.escalated,
    resolution_rate: read.resolutionRate,
    avg_response_time: read.responseSeconds,
    customer_satisfaction: read.satisfaction,
  };
}

function showGroup(wanted: ReadonlySet<FigureName>, read: SupportFiguresOfGroup) {
  const { total_conversations: conversations, ...others } = only(wanted, showFigures(read));
  return { date: read.date, ...(conversations !== undefined && { conversations }), ...others };
}

function only(wanted: ReadonlySet<FigureName>, all: Figures): Partial<Figures> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => [...wanted].some((one) => one === name)));
}
