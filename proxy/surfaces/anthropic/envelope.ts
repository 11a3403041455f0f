import type { ProxyError } from '../../error.ts';
import type { Envelope } from '../../http/envelope.ts';

/** Anthropic's error object. Its SDKs choose the exception by the status, and show `type` and `error_code`. */
export interface AnthropicError {
  readonly type: 'error';
  readonly error: {
    readonly type: string;
    readonly message: string;
    readonly details: { readonly error_code: string; readonly param: string | null };
  };
  readonly request_id: string;
}

/** @see https://platform.claude.com/docs/en/api/errors */
export const anthropicEnvelope: Envelope = {
  name: 'AnthropicError',
  schema: {
    type: 'object',
    required: ['type', 'error', 'request_id'],
    properties: {
      type: { type: 'string', enum: ['error'] },
      error: {
        type: 'object',
        required: ['type', 'message'],
        properties: {
          type: { type: 'string' },
          message: { type: 'string' },
          details: {
            type: 'object',
            properties: {
              error_code: { type: 'string', description: 'What happened. Errors of the provider’s pass as they are.' },
              param: { type: ['string', 'null'], description: 'The field or header that it is about.' },
            },
          },
        },
      },
      request_id: { type: 'string' },
    },
  },
  requestIdHeader: 'request-id',
  show: ({ message, status, code, param }: ProxyError, requestId): AnthropicError => ({
    type: 'error',
    error: { type: typeOf(status), message, details: { error_code: code, param } },
    request_id: requestId,
  }),
};

function typeOf(status: number): string {
  switch (status) {
    case 401:
      return 'authentication_error';
    case 403:
      return 'permission_error';
    case 404:
      return 'not_found_error';
    case 413:
      return 'request_too_large';
    case 429:
      return 'rate_limit_error';
    case 503:
      return 'overloaded_error';
    case 504:
      return 'timeout_error';
    default:
      return status < 500 ? 'invalid_request_error' : 'api_error';
  }
}
