import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Logger } from 'pino';
import { parseAdmissionReview, toAdmissionReview } from './admission-review.ts';
import type { Admit } from './admit.ts';

/** Twice the API server's limit for an object, since a review may have two. */
const maxBodyBytes = 6 * 1024 * 1024;

/** The API server gives up after at most 30 seconds. */
const requestTimeoutMs = 30_000;

/** Longer than the API server keeps idle connections (90 s): the client should close them first. */
const keepAliveTimeoutMs = 120_000;

/** Finds the handler of a path. Undefined where there is none. */
export type Route = (path: string) => Admit | undefined | Promise<Admit | undefined>;

/**
 * Serves admission webhooks. Until `setSecureContext` gives it a certificate, no connection succeeds.
 *
 * Any other path gets 404. A body that is not an AdmissionReview gets 400. An internal error gets 500, so that the
 * webhook's failurePolicy decides.
 */
export function makeWebhookServer(route: Route, log: Logger): Server {
  const server = createServer(
    { minVersion: 'TLSv1.2', requestTimeout: requestTimeoutMs },
    async (request, response) => {
      const answer = (status: number, body: object) => {
        // The unread rest of a request makes the connection unusable.
        if (!request.complete) response.setHeader('connection', 'close');
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      try {
        const admit = await route(path);
        if (!admit) return answer(404, { message: 'There is nothing here' });
        if (request.method !== 'POST') return answer(405, { message: 'Send an AdmissionReview by POST' });
        const body = await readBody(request);
        if (body === undefined) return answer(413, { message: `The body has more than ${maxBodyBytes} bytes` });
        const review = parseAdmissionReview(body);
        if (typeof review === 'string') return answer(400, { message: review });
        answer(200, toAdmissionReview(review.uid, await admit(review)));
      } catch (error) {
        if (request.destroyed && !request.complete) return;
        log.error({ err: error }, 'cannot decide an admission');
        answer(500, { message: "Chaperone cannot decide; the operator's log says why" });
      }
    },
  );
  server.keepAliveTimeout = keepAliveTimeoutMs;
  return server;
}

/** @returns undefined where the body is too large */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Stopping early must not destroy the request: the answer goes over the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
