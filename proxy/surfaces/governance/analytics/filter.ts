import { type Static, Type } from 'typebox';
import { maxAttributeDays, type Question } from '../../../governance/figures/question.ts';
import { Uuid } from '../../../http/schemas.ts';

const Day = Type.String({ maxLength: 64, examples: ['2026-06-01'] });

const oneMonth = `The period then has ${maxAttributeDays} days at most.`;

/** The part of a query string that says which calls are meant. */
export const filters = {
  start_date: Type.Optional({ ...Day, description: 'The first day (UTC). By default the period has 30 days.' }),
  end_date: Type.Optional({ ...Day, description: 'The last day (UTC), all of which counts. By default today.' }),
  user_id: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: 'Only calls of this user (X-User-ID).' }),
  ),
  model: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: 'Only calls that asked for this model or got it.' }),
  ),
  client: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 128,
      examples: ['OpenAI/Python', 'codex_cli_rs/0.171.0'],
      description: `Only calls of this program, as its User-Agent names it: by its name, or by name and version. ${oneMonth}`,
    }),
  ),
  safety_identifier: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description: `Only calls with this safety_identifier in the body. ${oneMonth}`,
    }),
  ),
  end_user: Type.Optional(
    Type.String({ minLength: 1, maxLength: 255, description: `Only calls with this user in the body. ${oneMonth}` }),
  ),
  kind: Type.Enum(['call', 'analysis', 'all'], {
    default: 'call',
    description: 'Calls that users made, calls that analyses made, or both.',
  }),
};

export const personaFilter = {
  persona_id: Type.Optional({ ...Uuid, description: 'Only calls with this persona.' }),
};

const Query = Type.Object({ ...filters, ...personaFilter });

export function parseQuestion(query: Static<typeof Query>): Question {
  return {
    startDate: query.start_date,
    endDate: query.end_date,
    user: query.user_id,
    model: query.model,
    client: query.client,
    safetyIdentifier: query.safety_identifier,
    endUser: query.end_user,
    kind: query.kind,
    personaId: query.persona_id,
  };
}
