/** A server that wants to be left alone for longer is asked again all the same. */
const longestRetryAfterMs = 300_000;

/** The API server refused a request, or a watch ended with an ERROR event. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP's. */
  readonly status: number;
  /** `metav1.Status.reason`, such as NotFound, AlreadyExists, Conflict, Expired; empty where none was given. */
  readonly reason: string;
  /** How long it wants to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs === undefined ? undefined : Math.min(retryAfterMs, longestRetryAfterMs);
  }
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409;
}

/** Whether a resource version, or the rest of a paged list, is too old to go on from. */
export function isGone(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired');
}
