import type { IncomingMessage, ServerResponse } from 'node:http';
import { makeRequestId } from '../database/ids.ts';
import type { InForce } from './calls/context.ts';
import type { AllowsOrigin } from './snapshot/origin-rule.ts';

/** The response headers that a page may read. */
const exposed = [
  ...['x-conversation-id', 'x-branch-id'],
  ...['x-request-id', 'x-session-id', 'x-upstream-request-id', 'x-chaperone-incomplete'],
  ...['retry-after', 'retry-after-ms', 'x-should-retry', 'openai-processing-ms', 'openai-version'],
  ...['x-chaperone-provider', 'x-chaperone-attempts', 'x-chaperone-failed-attempts'],
  ...['x-cache', 'age', 'x-visitor-token', 'idempotency-replayed'],
  ...['x-chaperone-max-output-tokens', 'x-chaperone-shortened-by', 'x-chaperone-model', 'x-chaperone-lowered'],
  ...['x-chaperone-review-item'],
  ...['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'deprecation', 'sunset', 'link'],
  ...['requests', 'tokens'].flatMap((unit) =>
    ['limit', 'remaining', 'reset'].map((what) => `x-ratelimit-${what}-${unit}`),
  ),
].join(', ');
const methods = 'GET, POST, PUT, PATCH, DELETE';
/**
 * How long a browser may cache a preflight's answer, in seconds. An origin that was removed may still send requests for
 * this long.
 */
const maxAgeS = '600';

/**
 * Makes the step before all surfaces. It lets pages of the origins in `spec.cors.origins`, and of those of public keys, read
 * all answers, including errors and streams. Credentials come in headers, so a browser's own credentials (cookies) are not allowed.
 *
 * @returns a function that returns true where it has answered the request itself: a preflight, which carries no
 * credential
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
      // SDKs send many headers of their own, so all are allowed. The request itself is judged when it comes.
      ...(asked !== undefined && { 'access-control-allow-headers': asked }),
    });
    response.end();
    return true;
  };
}

/**
 * Undefined where the Organization has no rule or no configuration is in force. The request itself then gets the error.
 */
function ruleOf(inForce: () => InForce): AllowsOrigin | undefined {
  try {
    const { allowsOrigin, accessKeys } = inForce().snapshot;
    // A preflight has no credential, so it cannot say which key comes after it. The request itself is judged by its key.
    if (!allowsOrigin || !accessKeys.allowsOrigin) return allowsOrigin ?? accessKeys.allowsOrigin;
    return (origin) => allowsOrigin(origin) || (accessKeys.allowsOrigin?.(origin) ?? false);
  } catch {
    return undefined;
  }
}
