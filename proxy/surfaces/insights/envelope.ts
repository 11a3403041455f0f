import type { ProxyError } from '../../error.ts';
import type { Envelope } from '../../http/envelope.ts';

/** The error object of contract 3, with our code. */
export interface InsightsError {
  readonly error: true;
  readonly status_code: number;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly timestamp: string;
}

export const insightsEnvelope: Envelope = {
  name: 'InsightsError',
  schema: {
    type: 'object',
    required: ['error', 'status_code', 'code', 'message', 'details', 'timestamp'],
    properties: {
      error: { const: true },
      status_code: { type: 'integer' },
      code: { type: 'string', description: 'What happened.' },
      message: { type: 'string' },
      details: {
        type: 'object',
        additionalProperties: true,
        description: 'Of a validation error, what is wrong with each field; otherwise facts for programs.',
      },
      timestamp: { type: 'string', format: 'date-time' },
    },
  },
  show: (problem: ProxyError): InsightsError => ({
    error: true,
    status_code: problem.status,
    code: problem.code,
    message: isValidation(problem) ? 'Validation error' : problem.message.replace(/^Error processing request: /, ''),
    details: isValidation(problem) ? fieldsOf(problem) : { ...problem.details },
    timestamp: new Date().toISOString(),
  }),
};

function isValidation({ code, param, details }: ProxyError): boolean {
  // A body that is no object has a fault in no field.
  return code === 'invalid_request' && (Boolean(param) || details.fields !== undefined);
}

/** A sentence for each field. */
function fieldsOf({ param, message, details }: ProxyError): Record<string, string> {
  const fields = Object.entries(details.fields ?? {});
  if (fields.length > 0) return Object.fromEntries(fields.map(([field, problem]) => [field, `Field ${problem}`]));
  const said = message.replace(/^Error processing request: /, '');
  const field = param ?? '';
  return { [field]: said.startsWith(`${field} `) ? `Field ${said.slice(field.length + 1)}` : said };
}
