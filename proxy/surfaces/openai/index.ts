import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../calls/call.ts';
import type { CallContext } from '../../calls/context.ts';
import { readBodyOf, requireKnownEncoding } from '../../calls/receive/receive-body.ts';
import type { StallWatch } from '../../calls/receive/stall-watch.ts';
import { ProxyError } from '../../error.ts';
import type { InFlight, Share } from '../../in-flight.ts';
import type { GovernanceContext } from '../governance/context.ts';
import { governanceSurface } from '../governance/index.ts';
import { toEnvelope } from './envelope.ts';
import { type ModelsOptions, registerModels } from './models.ts';
import { ownHeaders, problemHeaders, type Refusals } from './refusals.ts';
import { type ResourcesOptions, registerResources } from './resources/index.ts';
import { registerLists } from './resources/lists.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the surface's first hook; every route behind it has one. */
    caller: Caller;
    /** For what of it is a call. */
    callContext: CallContext;
    /** What the request holds of memory, given back when its answer is through. */
    share: Share;
  }
}

export interface OpenAiSurfaceOptions extends ModelsOptions, ResourcesOptions, GovernanceContext {
  readonly refusals: Refusals;
  readonly inFlight: InFlight;
  readonly stalls: StallWatch;
}

/**
 * `/v1`: the OpenAI API, and beside it what contract 0 adds to govern it. One envelope, one way of authenticating.
 * The calls themselves come before it (calls.ts).
 */
export async function openAiSurface(app: FastifyInstance, options: OpenAiSurfaceOptions): Promise<void> {
  const { pipeline, refusals, inFlight, stalls } = options;

  // The pipeline parses a body once, and needs its bytes.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest) => readBodyOf(request.raw, request.share, stalls));

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const startedTicks = performance.now();
    const startedAtMs = Date.now();
    const known = pipeline.authenticate(request.raw);
    const { caller, inForce } = known instanceof Promise ? await known : known;
    request.caller = caller;
    reply.headers(ownHeaders(request.id, caller));
    if (asksForWebSocket(request)) throw new ProxyError('websocket_not_served');
    requireKnownEncoding(request.headers);
    const share = inFlight.open();
    request.share = share;
    request.callContext = { requestId: request.id, startedAtMs, startedTicks, caller, inForce, share };
    reply.raw.once('close', () => share.release());
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = refusals.note(request.id, error);
    reply.code(problem.status).headers(problemHeaders(problem)).send(toEnvelope(problem));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0];
    const message = `Unknown request URL: ${request.method} ${path}. Check the method and the path: /docs lists them.`;
    const problem = refusals.note(request.id, new ProxyError('route_not_found', { message }));
    reply.code(problem.status).send(toEnvelope(problem));
  });

  registerModels(app, options);
  registerResources(app, options);
  registerLists(app, options);
  app.register(governanceSurface, { ...options, prefix: '' });
}

/** Whether it is the opening handshake of a WebSocket (RFC 6455, section 4.1). */
function asksForWebSocket({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && /\bwebsocket\b/i.test(headers.upgrade ?? '');
}
