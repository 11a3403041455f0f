import { after } from 'node:test';

/** Something with an end, at which it releases what was made in it: a test's context, a suite or a file. */
export interface Scope {
  after(release: () => unknown): void;
}

/**
 * The scope of a suite, or of a file where it is called at its top. What is made in it is released after the last test, the
 * last made first.
 */
export function suiteScope(): Scope {
  const releasers: (() => unknown)[] = [];
  after(() => releaseAll(releasers));
  const scope: Scope = { after: (release) => void releasers.push(release) };
  releasersOf.set(scope, releasers);
  return scope;
}

const releasersOf = new WeakMap<Scope, (() => unknown)[]>();

/**
 * Releases something at the end of a scope, the last made first. A test's context alone begins with the first: it would
 * drop a database under the operator that uses it, or remove a directory before the process that writes into it has ended.
 */
export function atEnd(scope: Scope, release: () => unknown): void {
  const known = releasersOf.get(scope);
  if (known) {
    known.push(release);
    return;
  }
  const releasers = [release];
  releasersOf.set(scope, releasers);
  scope.after(() => releaseAll(releasers));
}

/** Releases all, also where one of them fails: what is left open would keep the process from ending. */
async function releaseAll(releasers: readonly (() => unknown)[]): Promise<void> {
  const errors: unknown[] = [];
  for (const release of releasers.toReversed()) {
    try {
      await release();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors.length > 1 ? new AggregateError(errors) : errors[0];
}
