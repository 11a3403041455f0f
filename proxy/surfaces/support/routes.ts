import type { GovernanceContext } from '../../governance/context.ts';
import type { Route } from '../../http/route.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { webhookRoutes } from '../governance/webhooks.ts';
import { analyticsRoutes } from './analytics.ts';
import { changeRoutes } from './changes.ts';
import { conversationRoutes } from './conversations.ts';
import { knowledgeRoutes } from './knowledge-base.ts';
import { postMessage } from './messages.ts';

/** One line for each resource. */
const routes: readonly Route<GovernanceContext>[] = [
  postMessage,
  ...conversationRoutes,
  ...changeRoutes,
  ...knowledgeRoutes,
  ...analyticsRoutes,
  // The same as at /v1/webhooks, with this surface's errors.
  ...webhookRoutes,
];

export function registerSupport(app: SurfaceApp, context: GovernanceContext): void {
  app.register(
    async (v1: SurfaceApp) => {
      for (const route of routes) route(v1, context);
    },
    { prefix: '/api/v1' },
  );
}
