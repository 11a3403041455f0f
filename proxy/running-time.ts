const steps = 20;

/**
 * Calls back after so long in which this process ran, for the time limit of an answer. A process that was paused (a
 * throttled pod, a long garbage collection) finds that its timers are due before it reads what has come meanwhile.
 *
 * @param ms at least 20
 * @returns a function that stops it
 */
export function afterRunning(ms: number, run: () => void): () => void {
  let left = steps;
  let timer: NodeJS.Timeout;
  let last: NodeJS.Immediate | undefined;
  const wait = () => {
    timer = setTimeout(step, ms / steps).unref();
  };
  const step = () => {
    left -= 1;
    if (left > 0) wait();
    // What has come is read before.
    else last = setImmediate(run);
  };
  wait();
  return () => {
    clearTimeout(timer);
    clearImmediate(last);
  };
}
