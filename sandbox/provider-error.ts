import type { JsonObject } from './json.ts';

interface ErrorDetails {
  status?: number;
  type?: string;
  param?: string | null;
  code?: string | null;
}

/** An error in OpenAI's form: an HTTP status and the fields of the envelope. */
export class ProviderError extends Error {
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = 'ProviderError';
    this.status = details.status ?? 400;
    this.type = details.type ?? 'invalid_request_error';
    this.param = details.param ?? null;
    this.code = details.code ?? null;
  }
}

/** OpenAI's envelope: `{"error": {"message", "type", "param", "code"}}`. */
export function errorEnvelope({ message, type, param, code }: ProviderError): JsonObject {
  return { error: { message, type, param, code } };
}

const sentences: Record<number, ErrorDetails & { message: string }> = {
  401: { message: 'Incorrect API key provided.', code: 'invalid_api_key' },
  403: { message: 'You are not allowed to do this.', code: 'permission_denied' },
  404: { message: 'Not found.', code: 'not_found' },
  429: {
    message: 'Rate limit reached. Please try again later.',
    type: 'requests',
    code: 'rate_limit_exceeded',
  },
  503: {
    message: 'The engine is currently overloaded, please try again later.',
    type: 'server_error',
    code: 'server_is_overloaded',
  },
};

/** OpenAI's error for an HTTP status, for the fault `status`. */
export function errorOfStatus(status: number): ProviderError {
  const known = sentences[status];
  if (known) return new ProviderError(known.message, { ...known, status });
  if (status < 500) return new ProviderError('The request was refused.', { status });
  return new ProviderError(
    'The server had an error while processing your request. Sorry about that! You can retry your request.',
    { status, type: 'server_error', code: 'server_error' },
  );
}
