declare module 'vader-sentiment/src/vader_lexicon.js' {
  export const lexicon: Readonly<Record<string, number>>;
}

declare module 'emoji.json/emoji.json' {
  const emoji: readonly { readonly char: string; readonly name: string }[];
  export default emoji;
}
