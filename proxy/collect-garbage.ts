import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Makes what collects all garbage at once. V8 shows its collection under a flag, which is set at the first use and not when
 * Node starts: what V8 compiled of a program ahead is of use only under the flags that it was compiled with, and without it
 * a start takes a third longer.
 */
export function makeCollectGarbage(): () => void {
  let collect: (() => void) | undefined;
  return () => {
    collect ??= exposeCollection();
    collect();
  };
}

function exposeCollection(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
