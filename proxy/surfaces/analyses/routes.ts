import type { GovernanceContext } from '../../governance/context.ts';
import type { Route } from '../../http/route.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { analysisRoutes } from './analyses.ts';
import { conversationRoutes } from './conversations.ts';
import { streamRoute } from './stream.ts';

/** One line for each resource. */
const routes: readonly Route<GovernanceContext>[] = [...conversationRoutes, ...analysisRoutes, streamRoute];

export function registerAnalyses(app: SurfaceApp, context: GovernanceContext): void {
  app.register(
    async (api: SurfaceApp) => {
      for (const route of routes) route(api, context);
    },
    { prefix: '/api' },
  );
}
