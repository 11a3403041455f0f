/**
 * A server refused a request. The adapters' own errors extend it, so that the code here can decide by it without
 * knowing the server.
 */
export class Refusal extends Error {
  override readonly name: string = 'Refusal';
  /** `conflict`: what the request depends on has changed, or exists already. */
  readonly kind: 'not_found' | 'conflict' | 'other';
  /** How long the server asks to wait before the next request. */
  readonly retryAfterMs: number | undefined;

  constructor(kind: Refusal['kind'], message: string, retryAfterMs?: number) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/** How long a server asks to wait, where the error is a refusal that says so. Milliseconds. */
export function retryAfterOf(error: unknown): number | undefined {
  return error instanceof Refusal ? error.retryAfterMs : undefined;
}

export function isConflict(error: unknown): error is Refusal {
  return error instanceof Refusal && error.kind === 'conflict';
}
