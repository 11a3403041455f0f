/**
 * Continues with a value: in the same turn of the event loop where it is known, else when the promise resolves. Most
 * calls wait for nothing, and a promise for each of their steps costs more than the steps.
 */
export function whenKnown<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result | Promise<Result>,
): Result | Promise<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Runs a step, and passes its failure to `onFailure`: an error that it throws now, or a promise that rejects later. */
export function runStep(step: () => void | Promise<void>, onFailure: (error: unknown) => void): void {
  try {
    const waiting = step();
    if (waiting) waiting.catch(onFailure);
  } catch (error) {
    onFailure(error);
  }
}
