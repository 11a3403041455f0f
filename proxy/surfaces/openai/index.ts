import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ProxyError } from '../../error.ts';
import type { Caller } from '../../pipeline/call.ts';
import type { Metrics } from '../../pipeline/metrics.ts';
import type { InForce, Pipeline } from '../../pipeline/pipeline.ts';
import { registerCalls } from './calls.ts';
import { toEnvelope, toProxyError } from './envelope.ts';
import { type ModelsOptions, registerModels } from './models.ts';
import { registerPersonas } from './personas.ts';
import { type RatingsOptions, registerRatings } from './ratings.ts';

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

/** What a route of this surface answers with when something is wrong. */
export type Refuser = (request: FastifyRequest, reply: FastifyReply, error: unknown) => void;

/** `/v1`: the OpenAI API, and beside it what contract 0 adds to govern it. One envelope, one way of authenticating. */
export async function openAiSurface(app: FastifyInstance, options: OpenAiSurfaceOptions): Promise<void> {
  const { pipeline, metrics, log } = options;

  /** Notes the refusal; a failure that nobody foresaw is logged with its cause. */
  const note = (request: FastifyRequest, error: unknown): ProxyError => {
    const problem = toProxyError(error);
    if (problem.code === 'internal_error') log.error({ err: error, requestId: request.id }, 'internal error');
    else log.debug({ code: problem.code, requestId: request.id }, 'refused');
    metrics.refused.inc({ code: problem.code });
    return problem;
  };

  /** Refuses on the raw response, for the routes that write on it themselves. */
  const refuse: Refuser = (request, reply, error) => {
    const problem = note(request, error);
    const { raw } = reply;
    if (raw.headersSent) {
      raw.destroy();
      return;
    }
    const body = JSON.stringify(toEnvelope(problem));
    const session = request.caller ? { 'x-session-id': toHeader(request.caller.sessionId) } : {};
    raw.writeHead(problem.status, {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-request-id': request.id,
      ...session,
    });
    raw.end(body);
  };

  // The pipeline parses a body once, and needs its bytes.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const caller = pipeline.authenticate(request.headers);
    request.caller = caller instanceof Promise ? await caller : caller;
    reply.header('x-session-id', toHeader(request.caller.sessionId));
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

/** A header's value as Node writes it: UTF-8 bytes, each as one Latin-1 character. */
export function toHeader(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}
