/** Decides whether a model may be used. Undefined stands for a model that the provider chooses. */
export type ModelRule = (model: string | undefined) => boolean;

/**
 * A rule from allow and deny lists of model ids in which `*` stands for any run of characters. Deny wins. An absent
 * allow list allows everything. A model that the provider chooses is allowed only where every model is.
 */
export function makeModelRule(allow: readonly string[] | undefined, deny: readonly string[] | undefined): ModelRule {
  const isAllowed = allow ? makeMatcher(allow) : () => true;
  const isDenied = deny ? makeMatcher(deny) : () => false;
  const allowsAll = (allow === undefined || allow.includes('*')) && !deny?.length;
  return (model) => (model === undefined ? allowsAll : isAllowed(model) && !isDenied(model));
}

/** Makes a test whether a text matches one of the patterns, in which `*` stands for any run of characters. */
export function makeMatcher(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
  const wild = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'));
  return (text) => exact.has(text) || wild.some((parts) => matchesParts(text, parts));
}

/**
 * Finds each part in turn, as far left as possible. This is linear; a regular expression from the pattern could
 * backtrack exponentially.
 */
function matchesParts(text: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, position);
    if (found === -1) return false;
    position = found + part.length;
  }
  return position <= text.length - last.length;
}
