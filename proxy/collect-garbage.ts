import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Runs a full garbage collection. */
export interface CollectGarbage {
  (): void;
  /** Also gives back pages that are only partly used. It takes some times longer, so it is for an idle process. */
  thoroughly(): void;
}

/**
 * Makes the function that collects garbage. V8 exposes it under a flag, which is set at the first use and not when Node
 * starts: V8 accepts a code cache only under the flags that it was made with, and without the cache a start takes a
 * third longer.
 */
export function makeCollectGarbage(): CollectGarbage {
  let exposed: NodeJS.GCFunction | undefined;
  const gc = () => {
    exposed ??= exposeCollection();
    return exposed;
  };
  return Object.assign(() => void gc()(), {
    thoroughly: () => void gc()({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
  });
}

function exposeCollection(): NodeJS.GCFunction {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}
