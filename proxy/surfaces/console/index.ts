import type { Surface } from '../../http/surface.ts';
import { openAiEnvelope } from '../openai/envelope.ts';

/** The console for people: a page, which needs no credential, and which speaks the other surfaces with its reader's. */
export const webConsole: Surface<unknown> = {
  name: 'console',
  paths: ['/console'],
  envelope: openAiEnvelope,
  isAnonymous: true,
  async register(app) {
    const { registerConsole } = await import('./routes.ts');
    registerConsole(app);
  },
};
