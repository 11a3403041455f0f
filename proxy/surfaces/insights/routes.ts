import { admitSurface } from '../../calls/admit/admit.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import type { Route } from '../../http/route.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { accountRoutes } from './accounts.ts';
import { agreementRoutes } from './agreement.ts';
import { classifyRoute } from './ai/classify.ts';
import { embedRoute } from './ai/embed.ts';
import { explainRoute } from './ai/explain.ts';
import { generateRoute } from './ai/generate.ts';
import { providersRoute } from './ai/providers.ts';
import { visualizationRoute } from './ai/visualizations.ts';
import { deploymentRoutes } from './deployments.ts';
import { fairnessRoutes } from './fairness.ts';
import { liveRoute } from './live.ts';
import { privacyRoutes } from './privacy.ts';
import { responseRoutes } from './responses.ts';
import { reviewRoutes } from './review.ts';
import { sentimentRoutes } from './sentiment.ts';
import { summaryRoutes } from './summary.ts';
import { trainingRoutes } from './training.ts';

/** One line for each resource. */
const routes: readonly Route<GovernanceContext>[] = [
  ...accountRoutes,
  ...sentimentRoutes,
  ...privacyRoutes,
  ...fairnessRoutes,
  ...responseRoutes,
  ...reviewRoutes,
  ...agreementRoutes,
  ...summaryRoutes,
  ...[providersRoute, generateRoute, embedRoute, classifyRoute, explainRoute, visualizationRoute],
  ...trainingRoutes,
  ...deploymentRoutes,
];

export function registerInsights(app: SurfaceApp, context: GovernanceContext): void {
  app.addHook('preValidation', async () => admitSurface(context.inForce().snapshot, 'insights'));
  liveRoute(app, context);
  app.register(
    async (v1: SurfaceApp) => {
      for (const route of routes) route(v1, context);
    },
    { prefix: '/api/v1' },
  );
}
