import { Type } from 'typebox';
import { readClients } from '../../../governance/figures/groups.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { paging } from '../../../http/paging.ts';
import { Nullable, Timestamp } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { exampleExcluded, excluded, showExcluded } from './excluded.ts';
import {
  exampleCache,
  exampleFigures,
  examplePeriod,
  figures,
  filtered_by_user,
  period,
  showFigures,
  showPeriod,
  showTotals,
  totals,
} from './figures.ts';
import { filters, parseQuestion, personaFilter } from './filter.ts';

const Client = Type.Object({
  client: Nullable(Type.String(), 'As its User-Agent names it, or the SDK’s own headers; null where they do not.'),
  version: Nullable(Type.String()),
  ...figures,
  last_request_at: Timestamp,
});

const Answer = Type.Object(
  {
    clients: Type.Array(Client, { description: 'The most used first.' }),
    total_clients: Type.Integer(),
    ...totals,
    excluded,
    ...period,
    filtered_by_user,
  },
  {
    example: {
      clients: [
        { client: 'OpenAI/Python', version: '2.15.0', ...exampleFigures, last_request_at: '2026-06-07T12:34:56.000Z' },
      ],
      total_clients: 1,
      total_requests: 150,
      total_cost: 1.25,
      unpriced_count: 0,
      cache: exampleCache,
      excluded: exampleExcluded,
      ...examplePeriod,
      filtered_by_user: null,
    },
  },
);

/** `GET /v1/analytics/clients` */
export const clientUsage = route(
  'GET',
  '/analytics/clients',
  {
    tags: ['Analytics'],
    summary: 'Usage by client',
    description:
      'By the program that called and its version, as it says itself. The records are read: the period has 31 days at most.',
    querystring: Type.Object({ ...filters, ...personaFilter, ...paging }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Answer },
  },
  async ({ caller, query }, context) => {
    const { groups, totals, ...figures } = await readClients(context, caller, parseQuestion(query), query);
    return {
      clients: groups.map(({ client, version, lastRequestAt, ...sums }) => ({
        client,
        version,
        ...showFigures(sums),
        last_request_at: lastRequestAt.toISOString(),
      })),
      total_clients: totals.groups,
      ...showTotals(totals),
      excluded: showExcluded(figures.excluded),
      ...showPeriod(figures.period),
      filtered_by_user: figures.filteredByUser,
    };
  },
);
