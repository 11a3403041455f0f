import { type Static, Type } from 'typebox';
import type { CallAttributes, UsageFilter } from '../../../../database/analytics/filter.ts';
import { userIdOf } from '../../../../database/ids.ts';
import { seesOrganization } from '../../../calls/admit/admit.ts';
import type { Caller } from '../../../calls/call.ts';
import { parseUserAgent } from '../../../calls/identify/client.ts';
import { ProxyError } from '../../../error.ts';
import { storable, Uuid } from '../../../http/schemas.ts';
import { type Period, readPeriod } from './period.ts';

const Day = Type.String({ maxLength: 64, examples: ['2026-06-01'] });

const maxAttributeDays = 31;
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

export interface Selection {
  readonly filter: UsageFilter;
  /** External id, as answers tell it. */
  readonly filteredByUser: string | null;
}

/**
 * What a caller may see of what it asks for: who does not see the organization sees its own calls.
 *
 * @throws {ProxyError} `invalid_request` for a bad period, `role_required` where another's calls are asked for
 */
export function readSelection(caller: Caller, organizationId: string, query: Static<typeof Query>): Selection {
  const { start_date, end_date, model, kind, persona_id } = query;
  const period = readPeriod(start_date, end_date, Date.now());
  const attributes = readAttributes(query);
  if (attributes) requireShort(period);
  const filteredByUser = seesOrganization(caller) ? (query.user_id ?? null) : ownUser(caller, query.user_id);
  return {
    filter: {
      organizationId,
      ...period,
      kind: kind === 'all' ? null : kind,
      userId: filteredByUser === null ? null : userIdOf(organizationId, filteredByUser),
      personaId: persona_id ?? null,
      model: model === undefined ? null : storable(model),
      attributes,
    },
    filteredByUser,
  };
}

/** As a record has them. */
function readAttributes({ client, safety_identifier, end_user }: Static<typeof Query>): CallAttributes | undefined {
  if (client === undefined && safety_identifier === undefined && end_user === undefined) return undefined;
  const program = client === undefined ? undefined : parseUserAgent(client);
  if (client !== undefined && program === undefined) {
    const message = 'client must be the name of a program, such as OpenAI/Python, or its name and version';
    throw new ProxyError('invalid_request', { param: 'client', message });
  }
  return {
    clientName: program?.name ?? null,
    clientVersion: program?.version ?? null,
    safetyIdentifier: safety_identifier === undefined ? null : storable(safety_identifier),
    endUser: end_user === undefined ? null : storable(end_user),
  };
}

/**
 * The sums do not tell attributes apart, so the records are read.
 *
 * @throws {ProxyError} `invalid_request` for a long period
 */
export function requireShort({ firstDay, lastDay }: Period): void {
  if (Date.parse(lastDay) - Date.parse(firstDay) < maxAttributeDays * 86_400_000) return;
  const message = `The period must have ${maxAttributeDays} days at most, by client, safety_identifier or end_user`;
  throw new ProxyError('invalid_request', { param: 'start_date', message });
}

function ownUser(caller: Caller, wanted: string | undefined): string {
  if (caller.user === undefined) throw new ProxyError('user_required', { param: 'X-User-ID' });
  if (wanted === undefined || wanted === caller.user) return caller.user;
  throw new ProxyError('role_required', {
    param: 'user_id',
    message:
      'What other users did is for the roles analyst, reviewer and admin to see: leave user_id out, or use such a credential',
  });
}
