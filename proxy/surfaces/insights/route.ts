import type { GovernanceContext } from '../../governance/context.ts';
import { makeRoute } from '../../http/route.ts';

/** Declares a route of this surface. */
export const route = makeRoute<GovernanceContext>();
