import type { GovernanceContext } from '../../governance/context.ts';
import type { Surface } from '../../http/surface.ts';
import { supportEnvelope } from './envelope.ts';

/** Contract 2: customer support on the organization's own knowledge base. */
export const support: Surface<GovernanceContext> = {
  name: 'support',
  paths: ['/api/v1/knowledge-base'],
  envelope: supportEnvelope,
  mayLackUser: true,
  answersOnce: true,
  countsRequests: true,
  tags: [{ name: 'Knowledge base', description: 'Articles that answers to customers come from.' }],
  async register(app, context) {
    const { registerSupport } = await import('./routes.ts');
    registerSupport(app, context);
  },
};
