export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;
export type JsonObject = { [name: string]: JsonValue };

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Whether arrays and objects nest at most `levels` deep. `JSON.parse` accepts any depth, but `JSON.stringify` recurses,
 * so a deeper value could overflow the stack.
 */
export function nestsWithin(value: JsonValue, levels: number): boolean {
  let layer: JsonValue[] = [value];
  for (let level = 0; level <= levels; level += 1) {
    const next: JsonValue[] = [];
    for (const parent of layer) {
      if (typeof parent !== 'object' || parent === null) continue;
      for (const child of Object.values(parent)) {
        if (typeof child === 'object' && child !== null) next.push(child);
      }
    }
    if (next.length === 0) return true;
    layer = next;
  }
  return false;
}
