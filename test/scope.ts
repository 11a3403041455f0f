import { after } from 'node:test';

/** Something with an end, at which it releases what was made in it: a test's context, a suite or a file. */
export interface Scope {
  after(release: () => Promise<unknown>): void;
}

/**
 * The scope of a suite, or of a file where it is called at its top. What is made in it is released after the last test, the
 * last made first.
 */
export function suiteScope(): Scope {
  const releasers: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const release of releasers.reverse()) await release();
  });
  return { after: (release) => void releasers.push(release) };
}

const releasersOf = new WeakMap<Scope, (() => Promise<unknown>)[]>();

/**
 * Releases something at the end of a scope, the last made first. A test's context alone begins with the first: it would
 * remove a directory before the process that writes into it has ended.
 */
export function atEnd(scope: Scope, release: () => Promise<unknown>): void {
  const known = releasersOf.get(scope);
  if (known) {
    known.push(release);
    return;
  }
  const releasers = [release];
  releasersOf.set(scope, releasers);
  scope.after(async () => {
    for (const next of releasers.reverse()) await next();
  });
}
