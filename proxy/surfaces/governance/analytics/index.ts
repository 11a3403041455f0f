import type { GovernanceContext } from '../../../governance/context.ts';
import type { SurfaceApp } from '../../../http/surface.ts';
import { registerClientUsage } from './clients.ts';
import { registerModelUsage } from './models.ts';
import { registerPersonaDetails } from './persona.ts';
import { registerPersonaUsage } from './personas.ts';
import { registerRatedResponses } from './rated-responses.ts';
import { registerSessions } from './sessions.ts';
import { registerUserUsage } from './user-usage.ts';

/** `/v1/analytics`: what was used, by whom, and what it cost. A member is shown its own. */
export function registerAnalytics(app: SurfaceApp, context: GovernanceContext): void {
  registerModelUsage(app, context);
  registerUserUsage(app, context);
  registerClientUsage(app, context);
  registerSessions(app, context);
  registerPersonaUsage(app, context);
  registerPersonaDetails(app, context);
  registerRatedResponses(app, context);
}
