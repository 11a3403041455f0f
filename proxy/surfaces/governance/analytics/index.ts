import { clientUsage } from './clients.ts';
import { modelUsage } from './models.ts';
import { personaDetails } from './persona.ts';
import { personaUsage } from './personas.ts';
import { ratedResponses } from './rated-responses.ts';
import { sessions } from './sessions.ts';
import { timeline } from './timeline.ts';
import { userUsage } from './user-usage.ts';

/** `/v1/analytics`: what was used, by whom, and what it cost. A member is shown its own. */
export const analyticsRoutes = [
  modelUsage,
  userUsage,
  clientUsage,
  sessions,
  personaUsage,
  personaDetails,
  ratedResponses,
  timeline,
];
