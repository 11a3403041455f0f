/** Careful reading of data from outside: the value where it has the expected type, otherwise null. */

/** A JSON object. */
export type Body = Readonly<Record<string, unknown>>;

export function asObject(value: unknown): Body | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

export function asString(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function asCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** A duration in seconds, to the millisecond. A value above a year is not accepted. */
export function asSeconds(value: unknown): number | null {
  const isDuration = typeof value === 'number' && value >= 0 && value < 31_536_000;
  return isDuration ? Math.round(value * 1_000) / 1_000 : null;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

declare global {
  interface JSON {
    /** @see https://tc39.es/proposal-json-parse-with-source/ */
    rawJSON(text: string): unknown;
    isRawJSON(value: unknown): value is { readonly rawJSON: string };
  }
}

/** Parses, but keeps the spelling of every number, so that a 64-bit seed is not rounded. @throws {SyntaxError} */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
      ? JSON.rawJSON(context.source)
      : value,
  );
}

/** A number, also one whose spelling was kept. */
export function asNumber(value: unknown): number | null {
  if (typeof value === 'number') return value;
  return JSON.isRawJSON(value) ? Number(value.rawJSON) : null;
}

/** The parsed object; null where the text is not a JSON object. */
export function parseObject(text: string): Body | null {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return null;
  }
}

/** The code of a provider's error object: `code`, else `type`. */
export function errorCodeOf(error: unknown): string {
  const object = asObject(error);
  return asString(object?.code) ?? asString(object?.type) ?? 'upstream_error';
}
