/** What a request's `Cache-Control` says. @see https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1 */
export interface Directives {
  /** Neither look nor keep. */
  readonly noStore: boolean;
  /** Ask the provider, and keep its answer. */
  readonly noCache: boolean;
  /** Do not ask the provider. */
  readonly onlyIfCached: boolean;
  /** An older answer is not wanted. */
  readonly maxAgeMs: number;
}

const none: Directives = {
  noStore: false,
  noCache: false,
  onlyIfCached: false,
  maxAgeMs: Number.POSITIVE_INFINITY,
};

/** Reads the directives. Unknown ones are ignored; of several `max-age`, the shortest applies, and one that is no number is 0. */
export function readDirectives(header: string | undefined): Directives {
  if (header === undefined) return none;
  const stated = header.split(',').map((part) => {
    const [name = '', value] = part.split('=', 2).map((text) => text.trim());
    return { name: name.toLowerCase(), value: value?.replace(/^"(.*)"$/, '$1') };
  });
  const has = (directive: string) => stated.some(({ name }) => name === directive);
  const ages = stated
    .filter(({ name }) => name === 'max-age')
    .map(({ value = '' }) => (/^\d+$/.test(value) ? Number(value) * 1_000 : 0));
  return {
    noStore: has('no-store'),
    noCache: has('no-cache'),
    onlyIfCached: has('only-if-cached'),
    maxAgeMs: Math.min(none.maxAgeMs, ...ages),
  };
}
