import type { GovernanceContext } from '../../governance/context.ts';
import type { Route } from '../../http/route.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { knowledgeRoutes } from './knowledge-base.ts';

/** One line for each resource. */
const routes: readonly Route<GovernanceContext>[] = [...knowledgeRoutes];

export function registerSupport(app: SurfaceApp, context: GovernanceContext): void {
  app.register(
    async (v1: SurfaceApp) => {
      for (const route of routes) route(v1, context);
    },
    { prefix: '/api/v1' },
  );
}
