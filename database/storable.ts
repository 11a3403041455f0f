/** What keeps a JSON value from being stored: where it stands, such as `.users[0]`, and the rest of a sentence about it. */
export interface Unstorable {
  readonly place: string;
  readonly reason: string;
}

const textReason = 'must not have the character NUL, nor half of a surrogate pair: PostgreSQL does not store them';
/** PostgreSQL and JavaScript both give up on some thousand levels; nobody means more than a few. */
const mostLevels = 100;

/** The first thing in a JSON value that PostgreSQL cannot store; undefined where all of it can be. */
export function findUnstorable(value: unknown, levels = mostLevels): Unstorable | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : { place: '', reason: textReason };
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return { place: '', reason: `must not be nested deeper than ${mostLevels} levels` };
  for (const [key, inner] of Object.entries(value)) {
    if (!isStorable(key)) return { place: '', reason: textReason };
    const found = findUnstorable(inner, levels - 1);
    if (found) return { ...found, place: `${Array.isArray(value) ? `[${key}]` : `.${key}`}${found.place}` };
  }
  return undefined;
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
