/** Numbers that look random and are the same in each run (mulberry32). */
export function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

const vocabulary = 30_000;
const syllables = [
  'ba',
  'cor',
  'del',
  'fin',
  'gar',
  'hol',
  'ja',
  'kel',
  'lum',
  'mor',
  'nex',
  'pra',
  'quo',
  'ris',
  'tan',
  'vul',
];

/** The word of this frequency rank. */
function wordOf(rank: number): string {
  let word = '';
  for (let rest = rank + 16; rest > 0; rest = Math.floor(rest / 16)) word += syllables[rest % 16];
  return word;
}

/** Words by Zipf's law: the nth of a language is about 1/n as frequent as the first. */
export function makeText(random: () => number, words: number): string {
  return Array.from({ length: words }, () => wordOf(Math.floor(vocabulary ** random()) - 1)).join(' ');
}

/** An article of three sections, about 200 words. */
export function makeArticle(random: () => number): { title: string; content: string } {
  const section = () =>
    `## ${makeText(random, 3)}\n${Array.from({ length: 5 }, () => `${makeText(random, 12)}.`).join(' ')}`;
  return { title: makeText(random, 5), content: Array.from({ length: 3 }, section).join('\n') };
}

/** A question of the words of a text; every third has a word with a letter left out. */
export function makeQuestion(random: () => number, text: string): string {
  const words = text.split(/[^a-z]+/).filter((word) => word !== '');
  const asked = Array.from({ length: 6 }, () => words[Math.floor(random() * words.length)] ?? '');
  if (random() < 1 / 3) asked[0] = asked[0]?.replace(/^(..)./, '$1') ?? '';
  return asked.join(' ');
}
