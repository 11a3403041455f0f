import type { GovernanceContext } from '../../governance/context.ts';
import type { Surface } from '../../http/surface.ts';
import { openAiEnvelope } from '../openai/envelope.ts';

/** What contract 0 adds beside OpenAI's own API: personas, analyses, ratings, analytics, users. */
export const governance: Surface<GovernanceContext> = {
  name: 'governance',
  paths: [
    '/v1/personas',
    '/v1/analysis',
    '/v1/responses/:id/rate',
    '/v1/analytics',
    '/v1/users',
    '/v1/limits',
    '/v1/budgets',
    '/v1/explain',
    '/v1/simulate',
    '/v1/organization',
    '/v1/audit',
    '/v1/webhooks',
    '/v1/keys',
    '/v1/requests',
    '/v1/me',
    '/v1/jobs',
    '/v1/changes',
  ],
  envelope: openAiEnvelope,
  answersOnce: true,
  tags: [
    { name: 'Personas', description: 'System prompts to be used again.' },
    { name: 'Analysis', description: 'Classifies conversations: intent, sentiment, topic, or categories of your own.' },
    { name: 'Ratings', description: 'What users think of answers.' },
    { name: 'Analytics', description: 'What was used, by whom, and what it cost.' },
    { name: 'Requests', description: 'The recorded calls, one by one.' },
    { name: 'Users', description: 'Who calls.' },
    { name: 'Audit', description: 'Who changed what, and what was refused.' },
    { name: 'Webhooks', description: 'Whom to tell of events, and what was sent.' },
    { name: 'Jobs', description: 'What workers have to do for the organization, and what they could not do.' },
    { name: 'Changes', description: 'What has changed, told as it does.' },
    { name: 'Keys', description: 'Keys of this API: for servers, and for the visitors of web pages.' },
    { name: 'Limits', description: 'How much may be used, and how much is used of it.' },
    { name: 'Explanations', description: 'What would happen to a call, what decides, and what a change would do.' },
  ],
  async register(app, context) {
    const { registerGovernance } = await import('./routes.ts');
    registerGovernance(app, context);
  },
};
