/** An error's message. A connection error itself has none; its causes do. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(describeError).join('; ');
  if (error.cause instanceof Error) return describeError(error.cause);
  return error.message || error.name;
}
