import type { Surface } from '../../http/surface.ts';
import { messages } from '../../operations/messages.ts';
import type { OpenAiContext } from '../openai/context.ts';
import { anthropicEnvelope } from './envelope.ts';
import { requireKnownVersion } from './version.ts';

/** Anthropic's Messages API, for its own SDKs. */
export const anthropic: Surface<OpenAiContext> = {
  name: 'anthropic',
  paths: ['/v1/messages'],
  marked: {
    header: 'anthropic-version',
    paths: ['/v1'],
    async register(app, context) {
      const { registerModels } = await import('./models.ts');
      registerModels(app, context);
    },
  },
  envelope: anthropicEnvelope,
  calls: { prefix: '/v1', operations: [messages], checkHeaders: requireKnownVersion },
  async register(app, context) {
    const { registerCountTokens } = await import('./count-tokens.ts');
    registerCountTokens(app, context);
  },
  async describe() {
    const { describeCalls } = await import('../openai/describe/calls.ts');
    return describeCalls('/v1', [messages]);
  },
};
