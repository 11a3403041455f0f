import type { Surface } from '../../http/surface.ts';
import type { OpenAiContext } from './context.ts';
import { openAiEnvelope } from './envelope.ts';
import { operations } from './operations.ts';

/** The OpenAI API. */
export const openAi: Surface<OpenAiContext> = {
  name: 'openai',
  paths: ['/v1'],
  envelope: openAiEnvelope,
  calls: { prefix: '/v1', operations },
  tags: [
    { name: 'Calls', description: 'What goes to the provider, and is accounted for.' },
    { name: 'Stored', description: 'What the provider keeps: answers, conversations, files, batches, vector stores.' },
    { name: 'Models', description: 'What the organization allows.' },
  ],
  async register(app, context) {
    const { registerOpenAi } = await import('./routes.ts');
    registerOpenAi(app, context);
  },
  async describe() {
    const { describeCalls, describeSessions } = await import('./describe/calls.ts');
    const calls = describeCalls('/v1', operations);
    const sessions = Object.entries(describeSessions('/v1')).map(([path, get]) => [path, { ...calls[path], ...get }]);
    return { ...calls, ...Object.fromEntries(sessions) };
  },
};
