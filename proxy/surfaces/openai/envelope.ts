import type { ProxyError } from '../../error.ts';
import type { Envelope } from '../../http/envelope.ts';

/** OpenAI's error object, by which each of its SDKs chooses the exception that it raises. */
export interface OpenAiError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** @see https://platform.openai.com/docs/guides/error-codes */
export const openAiEnvelope: Envelope = {
  name: 'Error',
  schema: {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['message', 'type', 'param', 'code'],
        properties: {
          message: { type: 'string' },
          type: { type: 'string' },
          param: { type: ['string', 'null'], description: 'The field or header that it is about.' },
          code: { type: ['string', 'null'], description: 'What happened. Errors of the provider’s pass as they are.' },
        },
      },
    },
  },
  show: ({ message, status, param, code }: ProxyError): OpenAiError => ({
    error: { message, type: code === 'insufficient_quota' ? code : typeOf(status), param, code },
  }),
};

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
