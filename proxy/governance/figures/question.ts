import type { CallAttributes, UsageFilter } from '../../../database/analytics/filter.ts';
import { userIdOf } from '../../../database/ids.ts';
import { toStorable } from '../../../database/storable.ts';
import type { Caller } from '../../calls/call.ts';
import { parseUserAgent } from '../../calls/identify/client.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { seesOrganization } from '../roles.ts';
import { type Period, readPeriod } from './period.ts';

/** How many days a question by client, safety identifier or end user may have: the records are read for it. */
export const maxAttributeDays = 31;

/** Which calls figures are asked of. */
export interface Question extends Attributed {
  /** A day, or a time of which the day in UTC counts. Absent: the period has 30 days. */
  readonly startDate?: string | undefined;
  /** The last day, all of which counts. Absent: today. */
  readonly endDate?: string | undefined;
  /** External id. */
  readonly user?: string | undefined;
  /** The model that was asked for, or that answered. */
  readonly model?: string | undefined;
  /** Calls that users made, calls that analyses made, or both. */
  readonly kind: 'call' | 'analysis' | 'all';
  readonly personaId?: string | undefined;
}

interface Attributed {
  /** The program that called, by its name, or by name and version. */
  readonly client?: string | undefined;
  readonly safetyIdentifier?: string | undefined;
  readonly endUser?: string | undefined;
}

/** The calls that an answer is about. */
export interface Selection {
  readonly filter: UsageFilter;
  /** External id of the user whose calls alone are selected. */
  readonly filteredByUser: string | null;
}

/**
 * Selects the calls of a question that the caller may see. Who does not see the organization sees its own calls.
 *
 * @throws {ProxyError} `invalid_request` for a bad period or client, `role_required` for calls of another user
 */
export function select(
  { inForce }: Pick<GovernanceContext, 'inForce'>,
  caller: Caller,
  { startDate, endDate, user, model, kind, personaId, ...attributed }: Question,
): Selection {
  const { organizationId } = inForce().snapshot;
  const period = readPeriod(startDate, endDate, Date.now());
  const attributes = readAttributes(attributed);
  if (attributes) requireShort(period);
  const filteredByUser = seesOrganization(caller) ? (user ?? null) : ownUser(caller, user);
  return {
    filter: {
      organizationId,
      ...period,
      kind: kind === 'all' ? null : kind,
      userId: filteredByUser === null ? null : userIdOf(organizationId, filteredByUser),
      personaId: personaId ?? null,
      model: model === undefined ? null : toStorable(model),
      attributes,
    },
    filteredByUser,
  };
}

/** As a record has them. */
function readAttributes({ client, safetyIdentifier, endUser }: Attributed): CallAttributes | undefined {
  if (client === undefined && safetyIdentifier === undefined && endUser === undefined) return undefined;
  const program = client === undefined ? undefined : parseUserAgent(client);
  if (client !== undefined && program === undefined) {
    const message = 'client must be the name of a program, such as OpenAI/Python, or its name and version';
    throw new ProxyError('invalid_request', { param: 'client', message });
  }
  return {
    clientName: program?.name ?? null,
    clientVersion: program?.version ?? null,
    safetyIdentifier: safetyIdentifier === undefined ? null : toStorable(safetyIdentifier),
    endUser: endUser === undefined ? null : toStorable(endUser),
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
