import { ProxyError } from '../error.ts';

/** How a surface shows a problem. */
export interface Envelope {
  /** The name of its schema in the OpenAPI document. */
  readonly name: string;
  /** A JSON schema of `show`'s result. */
  readonly schema: object;
  /** A further header that names the request's id, as the API's clients expect it. */
  readonly requestIdHeader?: string;
  /** The body of the answer. Its status and headers are the problem's. */
  readonly show: (problem: ProxyError, requestId: string) => object;
}

/** Turns any failure into one of ours. Of an unforeseen one, the answer says nothing of its insides. */
export function toProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  const status = statusOf(error);
  if (status === 413) return new ProxyError('request_too_large', { cause: error });
  if (status >= 400 && status < 500) {
    return new ProxyError('invalid_request', {
      ...(error instanceof Error && { message: error.message }),
      cause: error,
    });
  }
  return new ProxyError('internal_error', { cause: error });
}

function statusOf(error: unknown): number {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : 500;
}
