import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Makes a function that runs a full garbage collection. V8 exposes it under a flag, which is set at the first use and
 * not when Node starts: V8 accepts a code cache only under the flags that it was made with, and without the cache a
 * start takes a third longer.
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
