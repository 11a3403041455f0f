import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { makeRequestId } from '../database/ids.ts';
import { ProxyError } from './error.ts';
import { toEnvelope } from './surfaces/openai/envelope.ts';
import { type OpenAiSurfaceOptions, openAiSurface } from './surfaces/openai/index.ts';

/** Base64 images and long contexts fit; what is larger is a mistake. */
const maxBodyBytes = 64 * 1024 * 1024;

export type AppOptions = OpenAiSurfaceOptions;

/** The proxy's API: the surfaces, each an encapsulated plugin with its own errors. */
export function buildApp(options: AppOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: maxBodyBytes,
    genReqId: () => makeRequestId(Date.now()),
    requestIdHeader: false,
    routerOptions: { maxParamLength: 500 },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // For the request to arrive; the answer may rightly take as long as it takes.
    requestTimeout: 300_000,
    connectionTimeout: 0,
    keepAliveTimeout: 75_000,
    frameworkErrors: (_error, request, reply: FastifyReply) => {
      const problem = new ProxyError('route_not_found', { message: 'The request URL is malformed' });
      reply.header('x-request-id', request.id).code(400).send(toEnvelope(problem));
    },
  });
  app.decorateRequest('startedTicks', 0);
  app.addHook('onRequest', (request, _reply, done) => {
    request.startedTicks = performance.now();
    done();
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `Unknown request URL: ${request.method} ${request.url.split('?', 1)[0]}. The API is under /v1.`;
    reply
      .header('x-request-id', request.id)
      .code(404)
      .send(toEnvelope(new ProxyError('route_not_found', { message })));
  });

  app.register(openAiSurface, { ...options, prefix: '/v1' });
  return app;
}
