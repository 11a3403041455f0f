/** Whether a text matches a pattern, in which `*` stands for any run of characters. */
export function matchesPattern(pattern: string, text: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return pattern === text;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let position = first.length;
  for (const part of others) {
    const found = text.indexOf(part, position);
    if (found === -1 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}

/** Whether some text can match both lists of patterns. An absent list matches every text. */
export function overlap(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  if (!one || !other) return true;
  return one.some((pattern) => other.some((another) => patternsOverlap(pattern, another)));
}

/**
 * A longer text can satisfy everything between the first and the last `*` of a pattern. So two patterns overlap where
 * one's prefix begins with the other's, and one's suffix ends with the other's.
 */
function patternsOverlap(one: string, other: string): boolean {
  if (!one.includes('*')) return matchesPattern(other, one);
  if (!other.includes('*')) return matchesPattern(one, other);
  const [oneStart, otherStart] = [one, other].map((pattern) => pattern.slice(0, pattern.indexOf('*')));
  const [oneEnd, otherEnd] = [one, other].map((pattern) => pattern.slice(pattern.lastIndexOf('*') + 1));
  const begin = (a = '', b = '') => a.startsWith(b) || b.startsWith(a);
  const end = (a = '', b = '') => a.endsWith(b) || b.endsWith(a);
  return begin(oneStart, otherStart) && end(oneEnd, otherEnd);
}
