/** Decides whether a model may be used. Undefined stands for a model that the provider chooses. */
export type ModelRule = (model: string | undefined) => boolean;

const everyModel: ModelRule = () => true;

/**
 * A rule from allow and deny lists of model ids in which `*` stands for any run of characters. Deny wins. An absent
 * allow list allows everything. A model that the provider chooses is allowed only where every model is.
 */
export function makeModelRule(allow: readonly string[] | undefined, deny: readonly string[] | undefined): ModelRule {
  if (!allow && !deny?.length) return everyModel;
  const isAllowed = allow ? makeMatcher(allow) : () => true;
  const isDenied = deny ? makeMatcher(deny) : () => false;
  const allowsAll = (allow === undefined || allow.includes('*')) && !deny?.length;
  return (model) => (model === undefined ? allowsAll : isAllowed(model) && !isDenied(model));
}

/** Allows what both rules allow. */
export function bothRules(one: ModelRule, other: ModelRule): ModelRule {
  if (one === everyModel) return other;
  return other === everyModel ? one : (model) => one(model) && other(model);
}

/** A provider's own names of models. */
export interface ModelNames {
  /** What the provider calls a model. */
  toProvider(model: string): string;
  /** The names by which calls ask for what the provider calls so. None of those that a pattern stands for. */
  fromProvider(id: string): readonly string[];
}

/** A provider's own names, by the first entry whose name fits. Undefined where no entry has a name of its own. */
export function makeModelNames(
  models: readonly { readonly name: string; readonly as?: string }[] | undefined,
): ModelNames | undefined {
  if (!models?.some(({ as }) => as !== undefined)) return undefined;
  const entries = models.map(({ name, as }) => ({ fits: makeMatcher([name]), as }));
  const toProvider = (model: string) => entries.find(({ fits }) => fits(model))?.as ?? model;
  const exact = models.map(({ name }) => name).filter((name) => !name.includes('*'));
  return {
    toProvider,
    fromProvider: (id) => [...new Set([...exact, id])].filter((name) => toProvider(name) === id),
  };
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
