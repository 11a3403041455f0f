import type { GovernanceContext } from '../../governance/context.ts';
import type { Surface } from '../../http/surface.ts';
import { supportEnvelope } from './envelope.ts';

/** Contract 2: customer support on the organization's own knowledge base. */
export const support: Surface<GovernanceContext> = {
  name: 'support',
  paths: ['/api/v1/knowledge-base', '/api/v1/conversations', '/api/v1/analytics', '/api/v1/webhooks'],
  envelope: supportEnvelope,
  mayLackUser: true,
  answersOnce: true,
  countsRequests: 'X-RateLimit',
  tags: [
    { name: 'Support conversations', description: 'What customers ask, and what they are answered.' },
    { name: 'Support analytics', description: 'How well the desk does.' },
    { name: 'Knowledge base', description: 'Articles that answers to customers come from.' },
  ],
  async register(app, context) {
    const { registerSupport } = await import('./routes.ts');
    registerSupport(app, context);
  },
};
