import type { GovernanceContext } from '../../governance/context.ts';
import type { Surface } from '../../http/surface.ts';
import { analysesEnvelope } from './envelope.ts';

/** Contract 4: conversations, with their branches and messages, and analyses of them. */
export const analyses: Surface<GovernanceContext> = {
  name: 'analyses',
  paths: ['/api/conversations', '/api/analyses'],
  envelope: analysesEnvelope,
  mayLackUser: true,
  answersOnce: true,
  tags: [
    { name: 'Conversations', description: 'Calls that belong together, and the branches that they are on.' },
    { name: 'Conversation analyses', description: 'Texts about what was said on a branch, written by a model.' },
  ],
  async register(app, context) {
    const { registerAnalyses } = await import('./routes.ts');
    registerAnalyses(app, context);
  },
};
