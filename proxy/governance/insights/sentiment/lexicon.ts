/** What VADER knows of words. */
export interface Lexicon {
  /** Mean ratings of words and emoticons, from -4 to 4. */
  readonly valences: ReadonlyMap<string, number>;
  /** The names of emoji, by which they are read. */
  readonly emoji: ReadonlyMap<string, string>;
}

/** What version 3.3.2 of the lexicon rates otherwise than the package, which has an earlier one. */
const valencesSince: Readonly<Record<string, number>> = { badass: 1.4, flawed: -2.1, heart: 3.2, hearts: 3.3 };

/** What version 3.3.2 calls otherwise than the package. */
const namesSince: Readonly<Record<string, string>> = {
  '\u{1f3fb}': 'light skin tone',
  '\u{1f3fc}': 'medium-light skin tone',
  '\u{1f3fd}': 'medium skin tone',
  '\u{1f3fe}': 'medium-dark skin tone',
  '\u{1f3ff}': 'dark skin tone',
  '\u{1f9d1}': 'adult',
  '\u{1f9d3}': 'older adult',
  '\u{1f9d4}': 'bearded person',
  '\u{1f471}': 'blond-haired person',
  '\u{1f46b}': 'man and woman holding hands',
  '\u{1f46c}': 'two men holding hands',
  '\u{1f46d}': 'two women holding hands',
  '\u{1f9b0}': 'red-haired',
  '\u{1f9b1}': 'curly-haired',
  '\u{1f9b3}': 'white-haired',
  '\u{1f392}': 'school backpack',
  '\u{1f97f}': 'woman’s flat shoe',
  '\u{1f9f1}': 'bricks',
};

/** Loads the lexicon of VADER 3.3.2. Nothing of it is in memory before. */
export async function loadLexicon(): Promise<Lexicon> {
  const [{ lexicon }, { default: emoji }] = await Promise.all([
    import('vader-sentiment/src/vader_lexicon.js'),
    import('emoji.json/emoji.json', { with: { type: 'json' } }),
  ]);
  const names = emoji
    .map(({ char, name }) => [char.replaceAll('\ufe0f', ''), name] as const)
    // Text is read by code points, so that sequences are never seen as one.
    .filter(([char]) => [...char].length === 1);
  return {
    valences: new Map([...Object.entries(lexicon), ...Object.entries(valencesSince)]),
    emoji: new Map([...names, ...Object.entries(namesSince)]),
  };
}
