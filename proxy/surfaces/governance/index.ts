import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { notJson } from '../../calls/admit/body.ts';
import { chargeParsing, readBodyOf } from '../../calls/receive/receive-body.ts';
import { registerAnalysis } from './analysis/index.ts';
import { registerAnalytics } from './analytics/index.ts';
import type { GovernanceApp, GovernanceContext } from './context.ts';
import { registerPersonas } from './personas.ts';
import { registerRatings } from './ratings.ts';
import { registerUsers } from './users.ts';
import { validateBySchema } from './validation.ts';

/** One line a resource. */
const resources: readonly ((app: GovernanceApp, context: GovernanceContext) => void)[] = [
  registerAnalysis,
  registerAnalytics,
  registerPersonas,
  registerRatings,
  registerUsers,
];

/** What contract 0 adds beside OpenAI's own API. Callers are known, and errors told, as on the rest of `/v1`. */
export async function governanceSurface(app: FastifyInstance, context: GovernanceContext): Promise<void> {
  app.removeAllContentTypeParsers();
  // Whatever a client says that it is: curl calls JSON a form.
  app.addContentTypeParser('*', async (request: FastifyRequest) => {
    const body = await readBodyOf(request.raw, request.share, context.stalls);
    chargeParsing(body, request.share);
    const text = body.toString('utf8');
    try {
      return text === '' ? undefined : JSON.parse(text);
    } catch (cause) {
      throw notJson(cause);
    }
  });
  validateBySchema(app);
  for (const register of resources) register(app.withTypeProvider<TypeBoxTypeProvider>(), context);
}
