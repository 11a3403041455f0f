/** The features of a text: which, and how much of each. */
export interface Features {
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

export interface FeatureSettings {
  readonly wordNgrams: number;
  /** The number of features is two to the power of this. */
  readonly featureBits: number;
}

/** Beyond, a text is cut. */
const mostWords = 10_000;

/**
 * Counts the words of a text and their runs, each by its hash, and scales the counts to length one. The last feature is
 * always there: its weight is the bias of a class.
 */
export function featuresOf(text: string, { wordNgrams, featureBits }: FeatureSettings): Features {
  const words = wordsOf(text);
  const mask = 2 ** featureBits - 1;
  const bias = mask;
  const counts = new Map<number, number>();
  for (let length = 1; length <= wordNgrams; length += 1) {
    for (let from = 0; from + length <= words.length; from += 1) {
      const index = hash(words.slice(from, from + length).join(' ')) & mask;
      counts.set(index, (counts.get(index) ?? 0) + 1);
    }
  }
  const norm = Math.sqrt([...counts.values()].reduce((sum, count) => sum + count * count, 0)) || 1;
  const entries = [...counts].filter(([index]) => index !== bias).sort(([one], [other]) => one - other);
  return {
    indices: Uint32Array.from([...entries.map(([index]) => index), bias]),
    values: Float32Array.from([...entries.map(([, count]) => count / norm), 1]),
  };
}

/** The words of a text, as the model sees them. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu) ?? []
  ).slice(0, mostWords);
}

/** FNV-1a over the UTF-16 units, then MurmurHash3's finalizer, so that low bits depend on all of the text. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
