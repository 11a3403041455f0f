/**
 * Evaluates the JSONPath that printer columns use: `.a.b`, `.a[0].b` and `.conditions[?(@.type=="Ready")].status`.
 *
 * @see https://kubernetes.io/docs/reference/kubectl/jsonpath/
 * @returns undefined where the path leads nowhere
 */
export function evaluateJsonPath(path: string, root: unknown): unknown {
  let value = root;
  for (const [, field, index, filterField, filterValue] of path.matchAll(step)) {
    if (field !== undefined) value = property(value, field);
    else if (index !== undefined) value = property(value, index);
    else if (Array.isArray(value)) value = value.find((item) => property(item, filterField ?? '') === filterValue);
    else return undefined;
  }
  return value;
}

const step = /\.([A-Za-z0-9_-]+)|\[(\d+)\]|\[\?\(@\.([A-Za-z0-9_-]+)\s*==\s*["']([^"']*)["']\)\]/g;

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
