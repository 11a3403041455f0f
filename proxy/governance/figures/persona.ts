import { readSelectedUsage } from '../../../database/analytics/excluded.ts';
import {
  findPersonaFacts,
  type PersonaFacts,
  readTopUsers,
  readUsageBreakdown,
  type TopUser,
  type UsageBreakdown,
} from '../../../database/analytics/persona.ts';
import { personaNotFound } from '../../calls/admit/admit.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { seesOrganization } from '../roles.ts';
import { countExcluded } from './excluded.ts';
import { type Question, select } from './question.ts';
import { readFigures } from './read.ts';

export type { PersonaFacts, TopUser, UsageBreakdown };

const topUsers = 10;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The usage of one persona: as a whole, by day and by model, with the users who used it most. Inactive and deleted
 * personas have figures, too.
 *
 * @throws {ProxyError} `invalid_request`, `role_required`, `persona_not_found`, `store_unavailable`
 */
export async function readPersona(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  id: string,
  question: Question,
) {
  const { filter: calls } = select(context, caller, question);
  if (!uuid.test(id)) throw personaNotFound(id, 'id');
  const filter = { ...calls, personaId: id };
  const { persona, breakdown, top, selected } = await readFigures(context, async (db) => ({
    persona: await findPersonaFacts(db, filter.organizationId, id),
    breakdown: await readUsageBreakdown(db, filter),
    top: await readTopUsers(db, filter, topUsers),
    selected: await readSelectedUsage(db, filter),
  }));
  if (!persona || !isVisible(persona, breakdown, caller)) throw new ProxyError('persona_not_found', { param: 'id' });
  return { persona, breakdown, top, excluded: countExcluded(selected, filter), period: filter };
}

/** Who does not see the organization sees the personas that it may use, and those that it has used. */
function isVisible({ users }: PersonaFacts, ownUsage: readonly UsageBreakdown[], caller: Caller): boolean {
  if (seesOrganization(caller) || users.length === 0 || ownUsage.length > 0) return true;
  return caller.user !== undefined && users.includes(caller.user);
}
