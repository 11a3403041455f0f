/** So many words in a row are no accident. */
const runLength = 8;

/** Finds out whether a text repeats instructions, or has the marker that only they have. */
export function makeLeakCheck(instructions: string, marker: string): (text: string) => boolean {
  const runs = new Set(runsOf(wordsOf(instructions)));
  return (text) => text.includes(marker) || runsOf(wordsOf(text)).some((run) => runs.has(run));
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function runsOf(words: readonly string[]): string[] {
  return words.slice(runLength - 1).map((_, start) => words.slice(start, start + runLength).join(' '));
}
