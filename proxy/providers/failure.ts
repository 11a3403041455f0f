import { errors } from 'undici';
import { type ProblemCode, ProxyError } from '../error.ts';

/**
 * What a failure of the transport means to the client.
 *
 * @param hasBegun whether any of the answer had come
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

/** Where a redirect leads is not for a provider to say, and none of them redirects calls: its address is wrong. */
export function redirected(status: number): ProxyError {
  const message = `the provider answered with a redirect (${status}), which is not followed; check its baseUrl in the Organization`;
  return new ProxyError('upstream_invalid_response', { message });
}

/** Whether the failure is of our own making: the process ends, and closes its connections. */
export function isOurEnd({ cause }: ProxyError): boolean {
  return cause instanceof errors.ClientDestroyedError;
}
