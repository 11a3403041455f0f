/** Completes a sentence that begins with the field's name. */
export const notStorable =
  'must not have the character NUL, nor half of a surrogate pair: PostgreSQL does not store them';

/** Whether PostgreSQL can store a text, in `text` and in `jsonb`. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/**
 * The place of the first text in a JSON value that PostgreSQL cannot store, such as `.users[0]`; a key counts as the
 * place where it stands. Undefined where all of it can be stored.
 */
export function findUnstorable(value: unknown): string | undefined {
  if (typeof value === 'string') return isStorable(value) ? undefined : '';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (!isStorable(key)) return '';
    const place = findUnstorable(inner);
    if (place !== undefined) return `${Array.isArray(value) ? `[${key}]` : `.${key}`}${place}`;
  }
  return undefined;
}
