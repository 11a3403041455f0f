/**
 * Why a JSON value cannot be stored: its place, such as `.users[0]`, and a reason that completes a sentence about it.
 */
export interface Unstorable {
  readonly place: string;
  readonly reason: string;
}

const textReason = 'must not have the character NUL, nor half of a surrogate pair: PostgreSQL does not store them';
/** PostgreSQL and JavaScript both fail at some thousand levels. No real value has more than a few. */
const maxLevels = 100;

/** Finds the first part of a JSON value that PostgreSQL cannot store. Undefined where it can store everything. */
export function findUnstorable(value: unknown, levels = maxLevels): Unstorable | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : { place: '', reason: textReason };
  if (typeof value !== 'object' || value === null) return undefined;
  if (levels === 0) return { place: '', reason: `must not be nested deeper than ${maxLevels} levels` };
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

/** The text with what PostgreSQL cannot store replaced. */
export function toStorable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd');
}
