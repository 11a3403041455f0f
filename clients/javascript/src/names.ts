/** Below these, names are the caller's own and stay as they are. */
const opaque = new Set(['metadata', 'details']);

/** `conversation_id` as `conversationId`, at every depth. */
export function toCamelCase(value: unknown): unknown {
  return rename(value, (name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
}

/** `conversationId` as `conversation_id`, at every depth. */
export function toSnakeCase(value: unknown): unknown {
  return rename(value, (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

function rename(value: unknown, toName: (name: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => rename(item, toName));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [toName(name), opaque.has(name) ? item : rename(item, toName)]),
  );
}
