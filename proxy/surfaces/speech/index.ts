import type { GovernanceContext } from '../../governance/context.ts';
import type { Surface } from '../../http/surface.ts';
import { speechEnvelope } from './envelope.ts';

/** Contract 1: what voice sessions cost, how they went, and what users think of them. */
export const speech: Surface<GovernanceContext> = {
  name: 'speech',
  paths: ['/api/v1/sessions', '/api/v1/feedback'],
  envelope: speechEnvelope,
  // Its clients send a key, and no user.
  mayLackUser: true,
  answersOnce: true,
  tags: [
    { name: 'Sessions', description: 'What a session costs, and how it goes.' },
    { name: 'Feedback', description: 'What users think of the turns of a session.' },
  ],
  async register(app, context) {
    const { registerSpeech } = await import('./routes.ts');
    registerSpeech(app, context);
  },
};
