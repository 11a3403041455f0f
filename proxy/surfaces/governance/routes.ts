import type { SurfaceApp } from '../../http/surface.ts';
import { registerAnalysis } from './analysis/index.ts';
import { registerAnalytics } from './analytics/index.ts';
import type { GovernanceContext } from './context.ts';
import { registerPersonas } from './personas.ts';
import { registerRatings } from './ratings.ts';
import { registerUsers } from './users.ts';

/** One line for each resource. */
const resources: readonly ((app: SurfaceApp, context: GovernanceContext) => void)[] = [
  registerAnalysis,
  registerAnalytics,
  registerPersonas,
  registerRatings,
  registerUsers,
];

export function registerGovernance(app: SurfaceApp, context: GovernanceContext): void {
  app.register(
    async (v1: SurfaceApp) => {
      for (const register of resources) register(v1, context);
    },
    { prefix: '/v1' },
  );
}
