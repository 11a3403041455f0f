import { isDeepStrictEqual } from 'node:util';

/** Describes the first difference between two values. Undefined: they are equal. */
export function findDifference(expected: unknown, actual: unknown, path: string): string | undefined {
  if (isDeepStrictEqual(expected, actual)) return undefined;
  if (!isContainer(expected) || !isContainer(actual) || Array.isArray(expected) !== Array.isArray(actual)) {
    return actual === undefined
      ? `${path} is missing`
      : expected === undefined
        ? `${path} should not be there`
        : `${path} differs`;
  }
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  for (const key of keys) {
    const below = Array.isArray(expected) ? `${path}[${key}]` : `${path}.${key}`;
    const difference = findDifference(expected[key], actual[key], below);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
