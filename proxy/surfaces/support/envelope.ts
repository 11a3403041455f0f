import type { ProblemCode, ProxyError } from '../../error.ts';
import type { Envelope } from '../../http/envelope.ts';

/** The error object of contract 2. */
export interface SupportError {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
    readonly request_id: string;
  };
}

/** The contract has one code for requests that cannot be read. All other problems keep theirs. */
const codes: Partial<Readonly<Record<ProblemCode, string>>> = {
  invalid_json: 'invalid_request',
  invalid_header: 'invalid_request',
};

export const supportEnvelope: Envelope = {
  name: 'SupportError',
  schema: {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['code', 'message', 'details', 'request_id'],
        properties: {
          code: { type: 'string', description: 'What happened.' },
          message: { type: 'string' },
          details: {
            type: 'object',
            additionalProperties: true,
            description: 'Facts for programs, such as `field` and the type that is `expected` of it.',
          },
          request_id: { type: 'string', description: 'The same as in the header X-Request-ID.' },
        },
      },
    },
  },
  show: (problem: ProxyError, requestId: string): SupportError => ({
    error: {
      code: codes[problem.code] ?? problem.code,
      message: sayMessage(problem),
      details: { ...(problem.param !== null && { field: problem.param }), ...problem.details },
      request_id: requestId,
    },
  }),
};

function sayMessage({ message, details, param }: ProxyError): string {
  if (details?.problem === 'is required' && param !== null) return `Missing required field: ${param}`;
  return message.replace(/^Error processing request: /, '');
}
