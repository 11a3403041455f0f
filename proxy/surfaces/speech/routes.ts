import type { GovernanceContext } from '../../governance/context.ts';
import type { Route } from '../../http/route.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { costRoutes } from './costs.ts';
import { feedbackRoutes } from './feedback.ts';
import { metrics } from './metrics.ts';
import { turns } from './turns.ts';

/** One line for each resource. */
const routes: readonly Route<GovernanceContext>[] = [...costRoutes, metrics, turns, ...feedbackRoutes];

export function registerSpeech(app: SurfaceApp, context: GovernanceContext): void {
  app.register(
    async (v1: SurfaceApp) => {
      for (const route of routes) route(v1, context);
    },
    { prefix: '/api/v1' },
  );
}
