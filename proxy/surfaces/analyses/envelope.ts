import type { ProblemCode, ProxyError } from '../../error.ts';
import type { Envelope } from '../../http/envelope.ts';

/** The error object of contract 4. */
export interface AnalysesError {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details?: Readonly<Record<string, unknown>>;
  };
}

/** The contract's own codes for problems that every surface has. All others keep theirs. */
const codes: Partial<Readonly<Record<ProblemCode, string>>> = {
  invalid_credentials: 'unauthorized',
  invalid_request: 'invalid_params',
  invalid_json: 'invalid_params',
  invalid_header: 'invalid_params',
  internal_error: 'processing_error',
};

export const analysesEnvelope: Envelope = {
  name: 'AnalysesError',
  schema: {
    type: 'object',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['code', 'message'],
        properties: {
          code: { type: 'string', description: 'What happened.' },
          message: { type: 'string' },
          details: { type: 'object', additionalProperties: true, description: 'Facts for programs.' },
        },
      },
    },
  },
  show: (problem: ProxyError): AnalysesError => ({ error: showError(problem) }),
};

/** A problem in the words of the contract. */
export function showError({ code, message, param, details }: ProxyError): AnalysesError['error'] {
  const facts = { ...(param !== null && { param }), ...details };
  return { code: codes[code] ?? code, message, ...(Object.keys(facts).length > 0 && { details: facts }) };
}
