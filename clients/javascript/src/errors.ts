/** Whatever this client throws, except for the reason of an abort signal. */
export class ChatError extends Error {
  override readonly name: string = 'ChatError';
  /** What happened, for programs: a code of the API, or one of this client. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The client cannot be used as it was made: it lacks its key or its address. */
export class ConfigurationError extends ChatError {
  override readonly name = 'ConfigurationError';

  constructor(message: string) {
    super('invalid_configuration', message);
  }
}

/** There was no whole answer: the server cannot be reached, or the connection broke. */
export class ChatConnectionError extends ChatError {
  override readonly name: string = 'ChatConnectionError';

  constructor(message: string, options?: ErrorOptions) {
    super('connection_failed', message, options);
  }
}

/** The server has not answered within `timeoutMs`. */
export class ChatTimeoutError extends ChatError {
  override readonly name = 'ChatTimeoutError';

  constructor(timeoutMs: number) {
    super('timeout', `The server has not answered within ${timeoutMs} ms`);
  }
}

/** What the API says about a request that it refuses, or that fails. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | undefined;
}

/** What the server says about another attempt. */
export interface Retry {
  readonly retryAfterMs?: number | undefined;
  readonly isFinal?: boolean;
}

/** A stream began, and failed after that. The message is stored; `getConversation` shows what has become of it. */
export class StreamError extends ChatError {
  override readonly name = 'StreamError';
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | undefined;

  constructor({ code, message, details, requestId }: Problem) {
    super(code, message);
    this.details = details;
    this.requestId = requestId;
  }
}

/** The API refused the request, or failed. */
export class ApiError extends ChatError {
  override readonly name: string = 'ApiError';
  readonly status: number;
  /** Facts such as `field`, the field that is wrong, and what is `expected` of it. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Names the request in the logs of the server. */
  readonly requestId: string | undefined;
  /** How long to wait before another attempt, where the server says so. */
  readonly retryAfterMs: number | undefined;
  /** The server says that another attempt is of no use, as where a budget is used up. */
  readonly isFinal: boolean;

  constructor(status: number, { code, message, details, requestId }: Problem, { retryAfterMs, isFinal }: Retry = {}) {
    super(code, message);
    this.status = status;
    this.details = details;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
    this.isFinal = isFinal ?? false;
  }
}

/** 400: the request is wrong; `details.field` says where. */
export class BadRequestError extends ApiError {
  override readonly name = 'BadRequestError';
}

/** 401: the key is not valid. */
export class AuthenticationError extends ApiError {
  override readonly name = 'AuthenticationError';
}

/** 403: the key may not do this. */
export class PermissionDeniedError extends ApiError {
  override readonly name = 'PermissionDeniedError';
}

/** 404: there is no such conversation or article for this key. */
export class NotFoundError extends ApiError {
  override readonly name = 'NotFoundError';
}

/** 409: what is there forbids it. */
export class ConflictError extends ApiError {
  override readonly name = 'ConflictError';
}

/** 429: a limit is reached. */
export class RateLimitError extends ApiError {
  override readonly name = 'RateLimitError';
}

/** 5xx: the server failed, or cannot serve now. */
export class ServerError extends ApiError {
  override readonly name = 'ServerError';
}

const classes: Readonly<Record<number, typeof ApiError>> = {
  400: BadRequestError,
  401: AuthenticationError,
  403: PermissionDeniedError,
  404: NotFoundError,
  409: ConflictError,
  429: RateLimitError,
};

/** @returns an error of the class that the status has */
export function makeApiError(status: number, problem: Problem, retry: Retry): ApiError {
  const Class = classes[status] ?? (status >= 500 ? ServerError : ApiError);
  return new Class(status, problem, retry);
}

/** Reads the error object of an answer or of an event. What is not one, such as a load balancer's page, has no code. */
export function readProblem(body: unknown, fallback: Pick<Problem, 'message' | 'requestId'>): Problem {
  const { error } = isObject(body) ? body : {};
  // The insights API has the fields beside `error: true`.
  const told = error === true ? body : error;
  const { code, message, details, request_id: requestId } = isObject(told) ? told : {};
  return {
    code: typeof code === 'string' ? code : 'unknown',
    message: typeof message === 'string' ? message : fallback.message,
    details: isObject(details) ? details : {},
    requestId: typeof requestId === 'string' ? requestId : fallback.requestId,
  };
}

/** @throws {ChatError} `invalid_answer` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ChatError('invalid_answer', 'The server answers something else than JSON: is baseUrl right?', { cause });
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
