import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { maxBodyBytes } from '../calls/receive/receive-body.ts';
import { ProxyError } from '../error.ts';
import { parseJsonBodies } from './bodies.ts';
import { identifyCallers } from './caller.ts';
import { ownHeaders } from './headers.ts';
import type { NotedRequest, Refusals } from './refusals.ts';
import { makeRequestId } from './request-id.ts';
import type { KitContext, Surface } from './surface.ts';
import { traceIdOf } from './trace-id.ts';
import { unknownPath } from './unknown-path.ts';
import { validateBySchema } from './validation.ts';

function notedOf({ id, caller, method, routeOptions, headers }: FastifyRequest): NotedRequest {
  const route = `${method} ${routeOptions?.url ?? ''}`.trimEnd();
  return { requestId: id, caller, route, traceId: traceIdOf(headers) };
}

/**
 * Makes a surface's own Fastify, with what all surfaces share: callers, bodies, validation, errors in the surface's
 * envelope, and our headers on every answer.
 *
 * @returns answers a request
 */
export async function openSurface<Context extends KitContext>(
  surface: Surface<Context>,
  context: Context,
  refusals: Refusals,
): Promise<(request: IncomingMessage, response: ServerResponse) => void> {
  const answer = (request: FastifyRequest, reply: FastifyReply, problem: ProxyError, status = problem.status) =>
    reply.code(status).headers(problem.headers).send(surface.envelope.show(problem, request.id));
  const rates = surface.countsRequests && context.rates(surface.countsRequests);
  const app = Fastify({
    bodyLimit: maxBodyBytes,
    genReqId: () => makeRequestId(Date.now()),
    requestIdHeader: false,
    routerOptions: { maxParamLength: 500 },
    // No hook runs for these.
    frameworkErrors: (_error, request, reply: FastifyReply) => {
      const message = 'Unknown request URL: it is malformed; a % in it is written %25';
      reply.header('x-request-id', request.id);
      rates?.greet(request.raw, reply.raw);
      answer(request, reply, refusals.note(notedOf(request), new ProxyError('route_not_found', { message })), 400);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  identifyCallers(app, context, surface);
  // As late as possible: the caller, and so the session, may become known at any step before.
  app.addHook('onSend', async (request, reply) => {
    reply.headers(ownHeaders(request.id, request.caller, surface.envelope.requestIdHeader));
  });
  app.setErrorHandler((error, request, reply) => {
    // A login is a guess like any other.
    if (request.routeOptions.config.anonymous) rates?.notIdentified(request.raw, reply.raw, error);
    return answer(request, reply, refusals.note(notedOf(request), error));
  });
  app.setNotFoundHandler((request, reply) =>
    answer(request, reply, refusals.note(notedOf(request), unknownPath(request.raw, 'below'))),
  );
  if (surface.answersOnce) {
    const { answerOnce } = await import('./idempotency/idempotency.ts');
    answerOnce(app, context);
  }
  parseJsonBodies(app, context.stalls);
  validateBySchema(app, surface.namesEveryField);
  await surface.register(app, context);
  await surface.marked?.register(app, context);
  await app.ready();
  return (request, response) => app.routing(request, response);
}
