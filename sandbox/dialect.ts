import type { IncomingMessage } from 'node:http';
import { apiKey, requireApiKey } from './api-key.ts';
import type { Generation } from './generation.ts';
import type { JsonObject } from './json.ts';
import { errorEnvelope, ProviderError } from './provider-error.ts';

/** How a vendor's API knows its callers, and shows its errors. */
export interface Dialect {
  /** The key of a request; null without one. */
  apiKey(request: IncomingMessage): string | null;
  /** Requires the headers that every request must have. @throws ProviderError */
  requireHeaders(request: IncomingMessage): void;
  /** Headers of every answer. */
  headers(requestId: string): Readonly<Record<string, string>>;
  envelope(error: ProviderError, requestId: string): JsonObject;
  /** The model that a call names. Absent: calls name models as they are. @throws ProviderError */
  modelOf?(named: string): string;
  /** What the vendor adds to an answer. Absent: nothing. */
  complete?(generation: Generation): Generation;
}

export const openAiDialect: Dialect = {
  apiKey,
  requireHeaders: requireApiKey,
  headers: (requestId) => ({ 'x-request-id': requestId, 'openai-version': '2020-10-01' }),
  envelope: errorEnvelope,
};

/** @see https://docs.anthropic.com/en/api/overview */
export const anthropicDialect: Dialect = {
  apiKey: (request) => header(request, 'x-api-key') ?? apiKey(request),
  requireHeaders(request) {
    if (anthropicDialect.apiKey(request) === null)
      throw new ProviderError('x-api-key header is required', { status: 401 });
    const version = header(request, 'anthropic-version');
    if (version === null) throw new ProviderError('anthropic-version: header is required');
    if (!versions.includes(version)) throw new ProviderError(`anthropic-version: "${version}" is not a valid version`);
  },
  headers: (requestId) => ({ 'request-id': requestId }),
  envelope: anthropicEnvelope,
};

/** The first version without `temperature` and the like. */
export const versionWithoutSampling = '2026-10-21';
const versions = [versionWithoutSampling, '2023-06-01', '2023-01-01'];

function header({ headers }: IncomingMessage, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** `{"type": "error", "error": {"type", "message"}, "request_id"}`. Within a stream, it is the data of an `error` event. */
export function anthropicEnvelope(error: ProviderError, requestId: string | null = null): JsonObject {
  const { status } = error;
  return { type: 'error', error: { type: typeOf(status), message: messageOf(error) }, request_id: requestId };
}

/** @see https://docs.anthropic.com/en/api/errors */
function typeOf(status: number): string {
  return types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}

const types: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** Anthropic writes the field first, with its place in lists between dots. */
function messageOf({ status, message, param, code }: ProviderError): string {
  if (status === 529) return 'Overloaded';
  if (status >= 500) return 'Internal server error';
  if (param === null) return message;
  const field = param.replaceAll(/\[(\d+)\]/g, '.$1');
  return `${field}: ${code === 'missing_required_parameter' ? 'Field required' : message}`;
}
