import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Logger } from 'pino';
import { parseAdmissionReview, toAdmissionReview } from './admission-review.ts';
import type { Admit } from './admit.ts';

/** Twice what the API server takes for an object, as a review may hold two. */
const maxBodyBytes = 6 * 1024 * 1024;

/** The API server gives up after 30 seconds at the latest. */
const requestTimeoutMs = 30_000;

/** Longer than the API server keeps idle connections (90 s): the side that sends should be the one that ends them. */
const keepAliveTimeoutMs = 120_000;

/** Who answers at a path; undefined where nobody does. */
export type Route = (path: string) => Admit | undefined | Promise<Admit | undefined>;

/**
 * Serves admission webhooks. Until `setSecureContext` gives it a certificate, no connection succeeds.
 *
 * Who asks at another path than those of the webhooks is told nothing. What is no AdmissionReview is answered with 400; a fault of ours with 500, so that the webhook's failurePolicy decides.
 */
export function makeWebhookServer(route: Route, log: Logger): Server {
  const server = createServer(
    { minVersion: 'TLSv1.2', requestTimeout: requestTimeoutMs },
    async (request, response) => {
      const answer = (status: number, body: object) => {
        // What is left of a request that was not read to its end makes the connection useless.
        if (!request.complete) response.setHeader('connection', 'close');
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      try {
        const admit = await route(path);
        if (!admit) return answer(404, { message: 'There is nothing here' });
        if (request.method !== 'POST') return answer(405, { message: 'An AdmissionReview is posted' });
        const body = await readBody(request);
        if (body === undefined) return answer(413, { message: `The body has more than ${maxBodyBytes} bytes` });
        const review = parseAdmissionReview(body);
        if (typeof review === 'string') return answer(400, { message: review });
        answer(200, toAdmissionReview(review.uid, await admit(review)));
      } catch (error) {
        if (request.destroyed && !request.complete) return;
        log.error({ err: error }, 'an admission could not be decided');
        answer(500, { message: "Chaperone could not decide; the operator's log says why" });
      }
    },
  );
  server.keepAliveTimeout = keepAliveTimeoutMs;
  return server;
}

/** @returns undefined where there is too much of it */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Reading must not destroy the request where it stops early: the answer goes over the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
