/** Test files that run in one process, one after another. */
export type Batch = readonly string[];

interface Kind {
  readonly of: RegExp;
  readonly size: number;
}

/**
 * The first kind that matches a file gives the size of its batch. The longest kinds come first, so that no long file
 * runs alone at the end.
 */
const kinds: readonly Kind[] = [
  { of: /^test\/(up|faults|clients|cluster|e2e)\//, size: 1 },
  // Each file starts an operator and a proxy.
  { of: /^test\/(contracts\/|proxy\/(surfaces|resources)\/|proxy\/[^/]+$)/, size: 12 },
  // They measure the memory of their process.
  { of: /\/(short-lived|form-scanner)\.test\.ts$/, size: 1 },
  { of: /^/, size: 24 },
];

/** Neighbours share a batch, since files of one folder import mostly the same modules. */
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
