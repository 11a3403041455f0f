import { createServer } from 'node:http';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { makeRequestId } from '../database/ids.ts';
import { maxBodyBytes } from './calls/receive/receive-body.ts';
import type { Metrics } from './calls/settle/metrics.ts';
import { answerClientError } from './client-error.ts';
import { makeCors } from './cors.ts';
import { ProxyError } from './error.ts';
import { registerFrontPage } from './front-page.ts';
import { mergeSlashes } from './merge-slashes.ts';
import { makeCallListener, operations } from './surfaces/openai/calls.ts';
import { toEnvelope } from './surfaces/openai/envelope.ts';
import { type OpenAiSurfaceOptions, openAiSurface } from './surfaces/openai/index.ts';
import { makeRefusals } from './surfaces/openai/refusals.ts';
import { registerOpenApi } from './surfaces/openapi/index.ts';

export interface AppOptions extends Omit<OpenAiSurfaceOptions, 'refusals'> {
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The proxy's API: the governed calls first, then the surfaces, each an encapsulated plugin with its own errors. */
export function buildApp(options: AppOptions): FastifyInstance {
  const refusals = makeRefusals(options);
  const isCall = makeCallListener({ ...options, refusals, prefix: '/v1' });
  const answersPreflight = makeCors(options.inForce);
  const serverOptions = {
    // Limits only how long the request may take to arrive. The answer may take any time.
    requestTimeout: 300_000,
    keepAliveTimeout: 75_000,
  };
  const app = Fastify({
    serverFactory: (handler) =>
      createServer(serverOptions, (request, response) => {
        mergeSlashes(request);
        if (answersPreflight(request, response)) return;
        if (!isCall(request, response)) handler(request, response);
      }),
    bodyLimit: maxBodyBytes,
    genReqId: () => makeRequestId(Date.now()),
    requestIdHeader: false,
    routerOptions: { maxParamLength: 500 },
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: answerClientError,
    frameworkErrors: (_error, request, reply: FastifyReply) => {
      const problem = new ProxyError('route_not_found', {
        message: 'Unknown request URL: it is malformed; a % in it is written %25',
      });
      reply.header('x-request-id', request.id).code(400).send(toEnvelope(problem));
    },
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    const message = `Unknown request URL: ${request.method} ${path}. The API is under /v1, and described at /docs.`;
    reply
      .header('x-request-id', request.id)
      .code(404)
      .send(toEnvelope(new ProxyError('route_not_found', { message })));
  });

  registerOpenApi(app, operations, '/v1');
  registerFrontPage(app);
  app.register(openAiSurface, { ...options, refusals, prefix: '/v1' });
  return app;
}
