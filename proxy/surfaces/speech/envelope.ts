import type { ProblemCode, ProxyError } from '../../error.ts';
import type { Envelope } from '../../http/envelope.ts';

/** The error object of contract 1. */
export interface SpeechError {
  readonly detail: string;
}

export const speechEnvelope: Envelope = {
  name: 'SpeechError',
  schema: {
    type: 'object',
    required: ['detail'],
    properties: { detail: { type: 'string', description: 'What is wrong, and what to do.' } },
  },
  show: ({ code, message }: ProxyError): SpeechError => ({
    detail: sentences[code] ?? message.replace(/^Error processing request: /, ''),
  }),
};

/** The sentences of the contract, to the letter. */
const sentences: Partial<Record<ProblemCode, string>> = {
  invalid_credentials: 'Invalid API key',
  session_not_found: 'Session not found',
  internal_error: 'Internal server error',
};
