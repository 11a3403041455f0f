/** Why a request was not answered as it should. */
export interface Problem {
  /** The HTTP status; 0: there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** The field that is wrong. */
  readonly field: string | undefined;
  /** Sentences about fields, where several are wrong. */
  readonly fields: Readonly<Record<string, string>>;
  readonly requestId: string | undefined;
  readonly retryAfterS: number | undefined;
}

export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = 'ApiError';
    this.problem = problem;
  }
}

interface Head {
  readonly status: number;
  readonly requestId: string | undefined;
  readonly retryAfter: string | undefined;
}

/** Reads an error in the envelope of any of the APIs. */
export function readProblem(body: unknown, { status, requestId, retryAfter }: Head): Problem {
  const whole = objectOf(body);
  // Contract 3 has its fields outside; the others below `error`.
  const error = typeof whole.error === 'object' ? objectOf(whole.error) : whole;
  const details = objectOf(error.details);
  const isValidation = error.message === 'Validation error';
  const fields = isValidation ? textsOf(details) : {};
  const sentences = Object.entries(fields).map(([field, text]) => text.replace(/^Field /, `${field} `));
  return {
    status,
    code: textOf(error.code) ?? textOf(error.type) ?? `http_${status}`,
    message: sentences.join('. ') || (textOf(error.message) ?? `The server answered with status ${status}`),
    field: textOf(error.param) ?? textOf(details.field) ?? Object.keys(fields)[0],
    fields,
    requestId: textOf(error.request_id) ?? requestId,
    retryAfterS: retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined,
  };
}

/** What went wrong, whatever it was. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  const message = error instanceof Error ? error.message : String(error);
  return {
    ...{ status: 0, code: 'console_error', message, field: undefined, fields: {} },
    ...{ requestId: undefined, retryAfterS: undefined },
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textsOf(value: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
