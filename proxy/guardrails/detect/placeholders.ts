import { createHmac } from 'node:crypto';

/** What stands for a value in a redacted text, and the value. */
export interface Replacement {
  readonly placeholder: string;
  readonly value: string;
}

/** The placeholders of one conversation. A value has the same placeholder wherever it occurs. */
export interface Placeholders {
  /** The placeholder of a value, such as `[EMAIL_1]`. */
  replace(kind: string, value: string): string;
  /** All placeholders so far. They are as confidential as the text, so seal them where they are kept. */
  entries(): readonly Replacement[];
  /** The value of a placeholder; undefined: it is not one of ours. */
  valueOf(placeholder: string): string | undefined;
  /** The length of the longest placeholder. */
  readonly maxLength: number;
}

export interface PlaceholdersOptions {
  /**
   * A key of the conversation. With it, a placeholder follows from the value alone (`[EMAIL_7K3QX2A]`), so that
   * processes agree on it without speaking to each other. Without it, placeholders are counted (`[EMAIL_1]`), so they
   * are the same only while the texts come in the same order.
   */
  readonly key?: Uint8Array;
  /** What is known from earlier in the conversation. */
  readonly known?: readonly Replacement[];
}

/** Crockford's base 32 has no letters that models mistake for digits. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 35 bits: among a thousand values of a kind, two get the same name once in 70,000 conversations, and then a longer one. */
const nameLength = 7;

export function makePlaceholders({ key, known = [] }: PlaceholdersOptions = {}): Placeholders {
  const values = new Map<string, string>();
  const placeholders = new Map<string, string>();
  const counts = new Map<string, number>();
  let maxLength = 0;

  const add = (placeholder: string, value: string, kind: string) => {
    values.set(placeholder, value);
    placeholders.set(`${kind}\0${value}`, placeholder);
    maxLength = Math.max(maxLength, placeholder.length);
    return placeholder;
  };

  const unused = (kind: string, names: Iterable<string>): string => {
    for (const name of names) {
      const placeholder = `[${kind}_${name}]`;
      if (!values.has(placeholder)) return placeholder;
    }
    throw new Error(`There is no unused placeholder of the kind ${kind}`);
  };

  for (const { placeholder, value } of known) add(placeholder, value, /^\[(\w+)_\w+\]$/.exec(placeholder)?.[1] ?? '');

  return {
    replace: (kind, value) => {
      const name = toConstantCase(kind);
      const existing = placeholders.get(`${name}\0${value}`);
      if (existing !== undefined) return existing;
      const names = key === undefined ? countFrom(counts, name) : hash(key, name, value);
      return add(unused(name, names), value, name);
    },
    entries: () => [...values].map(([placeholder, value]) => ({ placeholder, value })),
    valueOf: (placeholder) => values.get(placeholder),
    get maxLength() {
      return maxLength;
    },
  };
}

function* countFrom(counts: Map<string, number>, kind: string): Generator<string> {
  for (;;) {
    const next = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, next);
    yield String(next);
  }
}

/** Longer and longer beginnings of the value's keyed hash. */
function* hash(key: Uint8Array, kind: string, value: string): Generator<string> {
  const digest = createHmac('sha256', key).update(`${kind}\0${value}`).digest();
  const characters = Array.from(digest, (byte) => alphabet.charAt(byte & 31)).join('');
  for (let length = nameLength; length <= characters.length; length++) yield characters.slice(0, length);
}

/** `dateOfBirth` becomes `DATE_OF_BIRTH`. */
function toConstantCase(kind: string): string {
  return kind
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/\W+/g, '_')
    .toUpperCase();
}
