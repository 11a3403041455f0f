import { receiveBytes } from '../../http/bodies.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { registerClientSecrets } from './client-secrets.ts';
import type { OpenAiContext } from './context.ts';
import { registerModels } from './models.ts';
import { registerResources } from './resources/index.ts';
import { registerLists } from './resources/lists.ts';

/** All of the API but the calls. */
export function registerOpenAi(app: SurfaceApp, context: OpenAiContext): void {
  // Relayed bodies are the provider's to judge.
  receiveBytes(app, context.stalls);
  app.register(
    async (v1: SurfaceApp) => {
      registerModels(v1, context);
      registerResources(v1, context);
      registerLists(v1, context);
      registerClientSecrets(v1, context);
    },
    { prefix: '/v1' },
  );
}
