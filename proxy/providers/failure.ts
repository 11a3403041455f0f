import { type ProblemCode, ProxyError } from '../error.ts';

/**
 * Turns a transport error into an error for the client.
 *
 * @param hasBegun whether any of the answer had arrived
 */
export function toProblem(error: unknown, hasBegun: boolean): ProxyError {
  return error instanceof ProxyError ? error : new ProxyError(codeOf(error, hasBegun), { cause: error });
}

/** Both of our clients for HTTP name their failures by these codes. undici's parser has a name instead. */
const problemOf: ReadonlyMap<unknown, ProblemCode> = new Map([
  ['UND_ERR_HEADERS_TIMEOUT', 'upstream_timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'upstream_timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'upstream_timeout'],
  ['HPE_INVALID', 'upstream_invalid_response'],
  ['HTTPParserError', 'upstream_invalid_response'],
  ['UND_ERR_RES_EXCEEDED_MAX_SIZE', 'upstream_invalid_response'],
]);

function codeOf(error: unknown, hasBegun: boolean): ProblemCode {
  if (!(error instanceof Error)) return hasBegun ? 'upstream_interrupted' : 'upstream_unreachable';
  const known = problemOf.get('code' in error ? error.code : undefined) ?? problemOf.get(error.name);
  return known ?? (hasBegun ? 'upstream_interrupted' : 'upstream_unreachable');
}

/**
 * Redirects are not followed: a provider must not choose where calls go. No provider redirects calls, so the address is
 * wrong.
 */
export function redirected(status: number): ProxyError {
  const message = `the provider answered with a redirect (${status}), which is not followed; check its baseUrl in the Organization`;
  return new ProxyError('upstream_invalid_response', { message });
}

/** The reason for ending a request when the process ends. */
export const ourEnd: Error = Object.assign(new Error('The process ends'), { code: 'UND_ERR_DESTROYED' });

/** Whether we caused the failure: the process ends, and closes its connections. */
export function isOurEnd({ cause }: ProxyError): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'UND_ERR_DESTROYED';
}
