import type { GovernanceContext } from '../../governance/context.ts';
import type { Surface } from '../../http/surface.ts';
import { insightsEnvelope } from './envelope.ts';

/** Contract 3: what customers say and how they are treated, for analysts and reviewers who log in. */
export const insights: Surface<GovernanceContext> = {
  name: 'insights',
  paths: [
    '/api/v1/auth',
    '/api/v1/analyze',
    '/api/v1/generate',
    '/api/v1/privacy',
    '/api/v1/fairness',
    '/api/v1/review',
    '/api/v1/analytics/summary',
    '/api/v1/ai',
    '/websocket',
  ],
  envelope: insightsEnvelope,
  mayLackUser: true,
  answersOnce: true,
  countsRequests: 'X-Rate-Limit',
  namesEveryField: true,
  tags: [
    { name: 'Accounts', description: 'Logging in with a password.' },
    { name: 'Sentiment', description: 'How texts of customers sound.' },
    { name: 'Privacy', description: 'Texts without what is personal.' },
    { name: 'Fairness', description: 'How groups of customers fare.' },
    { name: 'Responses', description: 'Answers to customers, by models.' },
    { name: 'Live', description: 'What happens now.' },
    { name: 'Summary', description: 'What customers said, in figures.' },
    { name: 'Review', description: 'Answers that people look at.' },
    { name: 'Models', description: 'Texts, vectors and classes from the organization’s models.' },
    { name: 'Training', description: 'Models that are trained in the cluster.' },
    { name: 'Deployment', description: 'Trained models that answer calls.' },
  ],
  async register(app, context) {
    const { registerInsights } = await import('./routes.ts');
    registerInsights(app, context);
  },
};
