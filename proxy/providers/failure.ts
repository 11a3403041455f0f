import { errors } from 'undici';
import { type ProblemCode, ProxyError } from '../error.ts';

/**
 * Turns a transport error into an error for the client.
 *
 * @param hasBegun whether any of the answer had arrived
 */
export function toProblem(error: unknown, hasBegun: boolean): ProxyError {
  return error instanceof ProxyError ? error : new ProxyError(codeOf(error, hasBegun), { cause: error });
}

function codeOf(error: unknown, hasBegun: boolean): ProblemCode {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.ConnectTimeoutError)
    return 'upstream_timeout';
  if (error instanceof errors.BodyTimeoutError) return 'upstream_timeout';
  if (error instanceof errors.HTTPParserError) return 'upstream_invalid_response';
  if (error instanceof errors.ResponseExceededMaxSizeError) return 'upstream_invalid_response';
  return hasBegun ? 'upstream_interrupted' : 'upstream_unreachable';
}

/**
 * Redirects are not followed: a provider must not choose where calls go. No provider redirects calls, so the address is
 * wrong.
 */
export function redirected(status: number): ProxyError {
  const message = `the provider answered with a redirect (${status}), which is not followed; check its baseUrl in the Organization`;
  return new ProxyError('upstream_invalid_response', { message });
}

/** Whether we caused the failure: the process ends, and closes its connections. */
export function isOurEnd({ cause }: ProxyError): boolean {
  return cause instanceof errors.ClientDestroyedError;
}
