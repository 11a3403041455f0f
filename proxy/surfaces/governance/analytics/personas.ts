import { Type } from 'typebox';
import { readSelectedUsage } from '../../../../database/analytics/excluded.ts';
import { type PersonaUsage, readPersonaUsage } from '../../../../database/analytics/personas.ts';
import { seesOrganization } from '../../../calls/admit/admit.ts';
import type { GovernanceContext } from '../../../governance/context.ts';
import { paging } from '../../../http/paging.ts';
import { Nullable, Timestamp, Uuid } from '../../../http/schemas.ts';
import type { SurfaceApp } from '../../../http/surface.ts';
import { exampleExcluded, excluded, showExcluded } from './excluded.ts';
import {
  exampleFigures,
  exampleModels,
  examplePeriod,
  figures,
  filtered_by_user,
  models_used,
  onlyUser,
  period,
  showFigures,
  showTotals,
  totals,
} from './figures.ts';
import { filters, personaFilter, readSelection } from './filter.ts';
import { showPeriod } from './period.ts';
import { readFigures } from './read.ts';

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
      excluded: exampleExcluded,
      ...examplePeriod,
      filtered_by_user: null,
      include_inactive: false,
    },
  },
);

/** `GET /v1/analytics/personas` */
export function registerPersonaUsage(app: SurfaceApp, context: GovernanceContext): void {
  app.get(
    '/analytics/personas',
    {
      schema: {
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
        problems: ['role_required', 'store_unavailable'],
        response: { 200: Answer },
      },
    },
    async ({ caller, query }) => {
      const { filter, filteredByUser } = readSelection(caller, context.inForce().snapshot.organizationId, query);
      const options = {
        includeInactive: query.include_inactive,
        visibleTo: seesOrganization(caller) ? null : filteredByUser,
        limit: query.limit,
        offset: query.offset,
      };
      const { usage, selected } = await readFigures(context, async (db) => ({
        usage: await readPersonaUsage(db, filter, options),
        selected: await readSelectedUsage(db, filter),
      }));
      const { groups, totals } = usage;
      return {
        personas: groups.map(showPersona),
        total_personas: totals.groups,
        ...showTotals(totals),
        excluded: showExcluded(selected, filter, totals),
        ...showPeriod(filter),
        filtered_by_user: filteredByUser,
        include_inactive: query.include_inactive,
      };
    },
  );
}

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
