import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../calls/call.ts';
import type { CallContext } from '../calls/context.ts';
import { requireKnownEncoding } from '../calls/receive/receive-body.ts';
import { ProxyError } from '../error.ts';
import type { Share } from '../in-flight.ts';
import { onceClosed } from './once-closed.ts';
import type { KitContext, Surface, SurfaceApp } from './surface.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before a route's handler, except where the route is anonymous. */
    caller: Caller;
    /**
     * Finds the caller once more, by what is in force then, for an answer that lasts. Set like `caller`.
     *
     * @throws {ProxyError} where the credential has expired or was revoked, or its user was deactivated
     */
    findCaller: () => Promise<Caller>;
    /** For calls that a route makes. Set like `caller`. */
    callContext: CallContext;
    /** The request's memory. It is given back when the answer is through. */
    share: Share;
  }
  interface FastifyContextConfig {
    /** Whether the route needs no credential. */
    anonymous?: true;
    /** Whether visitors may use it, with a public key. It must show them only what is theirs. */
    visitors?: true;
  }
}

/** Adds the hook that finds the caller of each request, before its body is read. */
export function identifyCallers(
  app: Pick<SurfaceApp, 'addHook'>,
  { pipeline, inFlight, rates: ratesOf }: Pick<KitContext, 'pipeline' | 'inFlight' | 'rates'>,
  { isAnonymous, mayLackUser, countsRequests }: Pick<Surface<never>, 'isAnonymous' | 'mayLackUser' | 'countsRequests'>,
): void {
  const rates = countsRequests && ratesOf(countsRequests);
  const authenticate = async (request: IncomingMessage, response: ServerResponse, isForVisitors: boolean) => {
    try {
      return await pipeline.authenticate(request, mayLackUser, isForVisitors);
    } catch (error) {
      rates?.notIdentified(request, response, error);
      throw error;
    }
  };
  app.addHook('onRequest', async (request, reply) => {
    const startedTicks = performance.now();
    const startedAtMs = Date.now();
    rates?.admitAddress(request.raw, reply.raw);
    if (isAnonymous || request.routeOptions.config.anonymous) {
      request.share = inFlight.open();
    } else {
      const { caller, inForce } = await authenticate(
        request.raw,
        reply.raw,
        request.routeOptions.config.visitors ?? false,
      );
      request.caller = { ...caller, requestId: request.id };
      const isForVisitors = request.routeOptions.config.visitors ?? false;
      request.findCaller = async () => (await pipeline.authenticate(request.raw, mayLackUser, isForVisitors)).caller;
      const { visitor } = caller.identity;
      if (visitor?.newToken !== undefined) reply.raw.setHeader('x-visitor-token', visitor.newToken);
      await rates?.admit(request.raw, reply.raw, { caller, inForce });
      if (asksForWebSocket(request)) throw new ProxyError('websocket_not_served');
      requireKnownEncoding(request.headers);
      const share = inFlight.open();
      request.share = share;
      const { traceparent } = request.headers;
      const traceParent = typeof traceparent === 'string' ? traceparent : undefined;
      const identified = { caller, inForce };
      request.callContext = { requestId: request.id, startedAtMs, startedTicks, ...identified, share, traceParent };
    }
    onceClosed(reply.raw, () => request.share.release());
  });
}

/** Whether it is the opening handshake of a WebSocket (RFC 6455, section 4.1). */
function asksForWebSocket({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && /\bwebsocket\b/i.test(headers.upgrade ?? '');
}
