import type { Surface } from '../../http/surface.ts';
import type { SurfaceContext } from '../context.ts';
import { openAiEnvelope } from '../openai/envelope.ts';

/** What people read: the address list at `/`, the OpenAPI document of all surfaces, and a page that shows it. */
export const docs: Surface<SurfaceContext> = {
  name: 'docs',
  paths: ['/', '/docs', '/openapi.json'],
  envelope: openAiEnvelope,
  isAnonymous: true,
  async register(app, context) {
    const { registerDocs } = await import('./routes.ts');
    registerDocs(app, context);
  },
};
