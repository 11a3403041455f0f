import { ProxyError } from '../../error.ts';

/** OpenAI's error object, by which every SDK of its chooses the exception it raises. */
export interface ErrorEnvelope {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** @see https://platform.openai.com/docs/guides/error-codes */
export function toEnvelope(error: ProxyError): ErrorEnvelope {
  return { error: { message: error.message, type: typeOf(error.status), param: error.param, code: error.code } };
}

/** The type of an error with this HTTP status. */
export function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** Any failure as one of ours. What was not foreseen says nothing of its insides. */
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
