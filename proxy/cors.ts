import type { IncomingMessage, ServerResponse } from 'node:http';
import { makeRequestId } from '../database/ids.ts';
import type { InForce } from './calls/pipeline.ts';
import type { AllowsOrigin } from './snapshot/origin-rule.ts';

/** What a page may read of an answer, beside its body. */
const exposed = [
  ...['x-request-id', 'x-session-id', 'x-upstream-request-id', 'x-chaperone-incomplete'],
  ...['retry-after', 'retry-after-ms', 'x-should-retry', 'openai-processing-ms', 'openai-version'],
  ...['requests', 'tokens'].flatMap((unit) =>
    ['limit', 'remaining', 'reset'].map((what) => `x-ratelimit-${what}-${unit}`),
  ),
].join(', ');
const methods = 'GET, POST, PUT, PATCH, DELETE';
/** How long a browser may go by a preflight's answer, in seconds: so long an origin that was taken out may still ask. */
const maxAgeS = '600';

/**
 * Makes the step that comes before all surfaces: it lets the pages of the Organization's `spec.cors.origins` read answers
 * of every kind, errors and streams included. Only credentials in headers are meant, so none of a browser's own are
 * allowed.
 *
 * @returns a function that says whether it has answered: a preflight of such a page, which has no credential with it
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function makeCors(inForce: () => InForce) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const { origin } = request.headers;
    if (origin === undefined) return false;
    const allowsOrigin = ruleOf(inForce);
    if (!allowsOrigin) return false;
    response.setHeader('vary', 'Origin');
    if (!allowsOrigin(origin)) return false;
    response.setHeader('access-control-allow-origin', origin);
    const isPreflight = request.method === 'OPTIONS' && 'access-control-request-method' in request.headers;
    if (!isPreflight) {
      response.setHeader('access-control-expose-headers', exposed);
      return false;
    }
    const asked = request.headers['access-control-request-headers'];
    response.writeHead(204, {
      'access-control-allow-methods': methods,
      'access-control-max-age': maxAgeS,
      'x-request-id': makeRequestId(Date.now()),
      // SDKs send many of their own. What a header is worth is judged when it comes.
      ...(asked !== undefined && { 'access-control-allow-headers': asked }),
    });
    response.end();
    return true;
  };
}

/** Undefined where there is none, and where nothing is in force: the request itself is told why. */
function ruleOf(inForce: () => InForce): AllowsOrigin | undefined {
  try {
    return inForce().snapshot.allowsOrigin;
  } catch {
    return undefined;
  }
}
