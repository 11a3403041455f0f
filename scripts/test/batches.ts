/** Test files that run in one process, one after another. */
export type Batch = readonly string[];

interface Kind {
  readonly of: RegExp;
  readonly size: number;
}

/**
 * The first that matches a file says how many share its process. The longest begin first: none is then left alone on one
 * processor at the end.
 */
const kinds: readonly Kind[] = [
  { of: /^test\/(up|faults|clients|cluster|e2e)\//, size: 1 },
  // Each starts an operator and a proxy.
  { of: /^test\/(contracts\/|proxy\/(surfaces|resources)\/|proxy\/[^/]+$)/, size: 6 },
  // They look at what their process has in memory.
  { of: /\/(short-lived|form-scanner)\.test\.ts$/, size: 1 },
  { of: /^/, size: 12 },
];

/** Neighbours share a batch: files of one folder import much the same. */
export function toBatches(files: readonly string[]): Batch[] {
  const sorted = files.toSorted();
  const kindOf = (file: string) => kinds.findIndex((kind) => kind.of.test(file));
  return kinds.flatMap(({ size }, kind) => {
    const ofKind = sorted.filter((file) => kindOf(file) === kind);
    const count = Math.ceil(ofKind.length / size);
    const cut = (batch: number) => Math.round((ofKind.length * batch) / count);
    return Array.from({ length: count }, (_, batch) => ofKind.slice(cut(batch), cut(batch + 1)));
  });
}
