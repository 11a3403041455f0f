// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a header cannot hold
const unsendable = /[\x00-\x1f\x7f]/;

/**
 * Whether a text can be a user id: a client can send it as X-User-ID, and the database can store it. Nobody could find
 * a user with another id.
 */
export function isUserId(text: string): boolean {
  const isShown = text !== '' && text === text.trim();
  return isShown && text.length <= 255 && !unsendable.test(text) && text.isWellFormed();
}
