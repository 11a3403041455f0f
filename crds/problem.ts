/** What is wrong with one field of an object. */
export interface Problem {
  /** As the API server writes it: `spec.providers[0].baseUrl`. */
  readonly field: string;
  readonly message: string;
}

const longestQuote = 200;

/** A value as a message shows it; a long one is cut, since it may be a whole text. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text;
}
