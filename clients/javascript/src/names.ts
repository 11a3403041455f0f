/** Below these, names are the caller's own and stay as they are. */
const opaque = new Set(['metadata', 'details', 'data', 'context', 'hyperparameters', 'scores']);
/** The names right below these are the caller's own, such as those of groups. */
const keyed = new Set(['disparities', 'classifications', 'mapping']);

/**
 * `conversation_id` as `conversationId`, at every depth.
 *
 * @param verbatim further fields below which names stay as they are
 */
export function toCamelCase(value: unknown, verbatim: readonly string[] = []): unknown {
  return rename(value, (name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), verbatim);
}

/** `conversationId` as `conversation_id`, at every depth. */
export function toSnakeCase(value: unknown): unknown {
  return rename(value, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function rename(value: unknown, toName: (name: string) => string, verbatim: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((item) => rename(item, toName, verbatim));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (opaque.has(name) || verbatim.includes(name)) return [toName(name), item];
      return [toName(name), keyed.has(name) ? renameBelow(item, toName) : rename(item, toName, verbatim)];
    }),
  );
}

function renameBelow(value: unknown, toName: (name: string) => string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return rename(value, toName);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, rename(item, toName)]));
}
