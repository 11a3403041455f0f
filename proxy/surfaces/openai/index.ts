import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { ProxyError } from '../../error.ts';
import type { Caller } from '../../pipeline/call.ts';
import type { Metrics } from '../../pipeline/metrics.ts';
import type { InForce, Pipeline } from '../../pipeline/pipeline.ts';
import { registerCalls } from './calls.ts';
import { toEnvelope } from './envelope.ts';
import { type ModelsOptions, registerModels } from './models.ts';
import { registerPersonas } from './personas.ts';
import { type RatingsOptions, registerRatings } from './ratings.ts';
import { makeRefusals, ownHeaders } from './refusals.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the surface's first hook; every route behind it has one. */
    caller: Caller;
    startedTicks: number;
  }
}

export interface OpenAiSurfaceOptions extends ModelsOptions, RatingsOptions {
  readonly pipeline: Pipeline;
  readonly inForce: () => InForce;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** `/v1`: the OpenAI API, and beside it what contract 0 adds to govern it. One envelope, one way of authenticating. */
export async function openAiSurface(app: FastifyInstance, options: OpenAiSurfaceOptions): Promise<void> {
  const { pipeline } = options;
  const { note, refuse } = makeRefusals(options);

  // The pipeline parses a body once, and needs its bytes.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const caller = pipeline.authenticate(request.headers);
    request.caller = caller instanceof Promise ? await caller : caller;
    reply.headers(ownHeaders(request));
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = note(request, error);
    reply.code(problem.status).send(toEnvelope(problem));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    const message = `Unknown request URL: ${request.method} ${path}. Please check the URL for typos.`;
    const problem = note(request, new ProxyError('route_not_found', { message }));
    reply.code(problem.status).send(toEnvelope(problem));
  });

  registerCalls(app, pipeline, refuse);
  registerModels(app, options);
  registerPersonas(app, options);
  registerRatings(app, options);
}
