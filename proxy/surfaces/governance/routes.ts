import type { GovernanceContext } from '../../governance/context.ts';
import type { Route } from '../../http/route.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { accessKeyRoutes } from './access-keys.ts';
import { analysisRoutes } from './analysis/index.ts';
import { analyticsRoutes } from './analytics/index.ts';
import { audit } from './audit.ts';
import { changes } from './changes.ts';
import { explain } from './explain.ts';
import { jobRoutes } from './jobs.ts';
import { budgets } from './limits/budgets.ts';
import { limits } from './limits/limits.ts';
import { me } from './me.ts';
import { organization } from './organization.ts';
import { personaRoutes } from './personas.ts';
import { ratingRoutes } from './ratings.ts';
import { requestRoutes } from './requests/index.ts';
import { simulate } from './simulate.ts';
import { userRoutes } from './users.ts';
import { webhookRoutes } from './webhooks.ts';

/** One line for each resource. */
const routes: readonly Route<GovernanceContext>[] = [
  ...accessKeyRoutes,
  ...analysisRoutes,
  ...analyticsRoutes,
  audit,
  changes,
  limits,
  budgets,
  explain,
  ...jobRoutes,
  me,
  organization,
  ...personaRoutes,
  ...ratingRoutes,
  ...requestRoutes,
  simulate,
  ...userRoutes,
  ...webhookRoutes,
];

export function registerGovernance(app: SurfaceApp, context: GovernanceContext): void {
  app.register(
    async (v1: SurfaceApp) => {
      for (const route of routes) route(v1, context);
    },
    { prefix: '/v1' },
  );
}
