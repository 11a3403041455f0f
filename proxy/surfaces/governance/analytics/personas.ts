import { Type } from 'typebox';
import { type PersonaUsage, readPersonas } from '../../../governance/figures/groups.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { paging } from '../../../http/paging.ts';
import { Nullable, Timestamp, Uuid } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { exampleExcluded, excluded, showExcluded } from './excluded.ts';
import {
  exampleCache,
  exampleFigures,
  exampleModels,
  examplePeriod,
  figures,
  filtered_by_user,
  models_used,
  onlyUser,
  period,
  showFigures,
  showPeriod,
  showTotals,
  totals,
} from './figures.ts';
import { filters, parseQuestion, personaFilter } from './filter.ts';

export const PersonaFigures = Type.Object({
  persona_id: Uuid,
  name: Type.String(),
  description: Nullable(Type.String()),
  user_id: Nullable(Type.String(), 'The one user it is restricted to; null where it is everyone’s or several users’.'),
  ...figures,
  last_used_at: Nullable(Timestamp),
  models_used,
  is_active: Type.Boolean(),
});

export const examplePersona = {
  persona_id: '123e4567-e89b-12d3-a456-426614174000',
  name: 'Customer Support Agent',
  description: 'For handling customer inquiries',
  user_id: null,
  ...exampleFigures,
  last_used_at: '2026-06-07T12:34:56.000Z',
  models_used: exampleModels,
  is_active: true,
};

const Answer = Type.Object(
  {
    personas: Type.Array(PersonaFigures, { description: 'The most used first; those that were not used, too.' }),
    total_personas: Type.Integer(),
    ...totals,
    excluded,
    ...period,
    filtered_by_user,
    include_inactive: Type.Boolean(),
  },
  {
    example: {
      personas: [examplePersona],
      total_personas: 1,
      total_requests: 150,
      total_cost: 1.25,
      unpriced_count: 0,
      cache: exampleCache,
      excluded: exampleExcluded,
      ...examplePeriod,
      filtered_by_user: null,
      include_inactive: false,
    },
  },
);

/** `GET /v1/analytics/personas` */
export const personaUsage = route(
  'GET',
  '/analytics/personas',
  {
    tags: ['Analytics'],
    summary: 'Usage by persona',
    description: 'Calls without a persona are not counted here; `excluded` says how many they are.',
    querystring: Type.Object({
      ...filters,
      ...personaFilter,
      include_inactive: Type.Boolean({
        default: false,
        description: 'Inactive personas, too, and deleted ones that were used.',
      }),
      ...paging,
    }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: { 200: Answer },
  },
  async ({ caller, query }, context) => {
    const { include_inactive, limit, offset } = query;
    const page = { includeInactive: include_inactive, limit, offset };
    const { groups, totals, ...figures } = await readPersonas(context, caller, parseQuestion(query), page);
    return {
      personas: groups.map(showPersona),
      total_personas: totals.groups,
      ...showTotals(totals),
      excluded: showExcluded(figures.excluded),
      ...showPeriod(figures.period),
      filtered_by_user: figures.filteredByUser,
      include_inactive,
    };
  },
);

export function showPersona(persona: PersonaUsage) {
  return {
    persona_id: persona.personaId,
    name: persona.name,
    description: persona.description,
    user_id: onlyUser(persona.users),
    ...showFigures(persona),
    last_used_at: persona.lastRequestAt?.toISOString() ?? null,
    models_used: [...persona.models],
    is_active: persona.isActive,
  };
}
