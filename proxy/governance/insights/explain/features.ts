/** A text divided into what is explained. */
export interface TextFeatures {
  /** Words, or runs of neighbouring words, in the order of the text. */
  readonly names: readonly string[];
  /** The text with these features alone. With all of them, it is the text itself. */
  textOf(isKept: (feature: number) => boolean): string;
}

/** In a longer text, neighbouring words are taken together. */
export const mostFeatures = 100;

/** Divides a text at white space. */
export function readFeatures(text: string): TextFeatures {
  const words = text.match(/^\s*\S+\s*|\S+\s*/gu) ?? [];
  const size = Math.max(1, Math.ceil(words.length / mostFeatures));
  const runs = Array.from({ length: Math.ceil(words.length / size) }, (_, at) =>
    words.slice(at * size, (at + 1) * size).join(''),
  );
  return {
    names: runs.map((run) => run.trim().replace(/\s+/gu, ' ')),
    textOf: (isKept) => runs.filter((_, at) => isKept(at)).join(''),
  };
}
