import { Refusal } from '../../runtime/refusal.ts';

/** The maximum pause, even where the server asks for a longer one. */
const maxRetryAfterMs = 300_000;

/** The API server refused a request, or a watch ended with an ERROR event. */
export class ApiError extends Refusal {
  override readonly name = 'ApiError';
  /** HTTP status. */
  readonly status: number;
  /** `metav1.Status.reason`, such as NotFound, AlreadyExists, Conflict, Expired; empty where none was given. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string, retryAfterMs?: number) {
    const boundedMs = retryAfterMs === undefined ? undefined : Math.min(retryAfterMs, maxRetryAfterMs);
    super(status === 404 ? 'not_found' : status === 409 ? 'conflict' : 'other', message, boundedMs);
    this.status = status;
    this.reason = reason;
  }
}

export function isNotFound(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 404;
}

export function isConflict(error: unknown): error is ApiError {
  return error instanceof ApiError && error.status === 409;
}

/** Whether a resource version or a list's continue token has expired. */
export function isGone(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired');
}
