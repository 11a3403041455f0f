/** Texts of customers with labels, made by chance from a seed. */
export interface Review {
  readonly text: string;
  readonly label: string;
}

const openings = ['Honestly,', 'Well,', 'After a month:', 'To whom it may concern,', 'I must say', 'Today'];
const subjects = ['the loan team', 'your app', 'the new card', 'the branch', 'the hotline', 'my advisor'];
const words: Readonly<Record<string, readonly string[]>> = {
  positive: ['was quick and friendly', 'solved it at once', 'is a delight', 'exceeded what I hoped', 'was helpful'],
  negative: ['let me down', 'never called back', 'charged me twice', 'is full of errors', 'was rude and slow'],
  neutral: [
    'moved to another street',
    'sent a statement',
    'asked for my address',
    'has new opening hours',
    'changed its logo',
  ],
};
const labels = Object.keys(words);

/**
 * @param noise the share of labels that are drawn by chance, so that nothing can be learnt from them
 */
export function makeReviews(count: number, seed: number, noise = 0): Review[] {
  const random = makeRandom(seed);
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  return Array.from({ length: count }, () => {
    const label = pick(labels);
    const text = `${pick(openings)} ${pick(subjects)} ${pick(words[label] ?? [])} (${Math.floor(random() * 1_000)}).`;
    return { text, label: random() < noise ? pick(labels) : label };
  });
}

export function toCsv(reviews: readonly Review[]): string {
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  return ['text,label', ...reviews.map(({ text, label }) => `${quote(text)},${label}`)].join('\n');
}

function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
