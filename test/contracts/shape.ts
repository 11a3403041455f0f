import assert from 'node:assert/strict';

/** What a value must look like: a type, alternatives, a list of one kind, a map, or an object with at least these fields. */
export type Shape =
  | 'string'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'null'
  | 'uuid'
  | 'time'
  | 'date'
  | { readonly any: readonly Shape[] }
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

export const any = (...shapes: readonly Shape[]): Shape => ({ any: shapes });
export const list = (shape: Shape): Shape => ({ list: shape });
export const map = (shape: Shape): Shape => ({ map: shape });
export const fields = (shapes: Readonly<Record<string, Shape>>): Shape => ({ fields: shapes });
export const orNull = (shape: Shape): Shape => any(shape, 'null');

const patterns = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
  date: /^\d{4}-\d\d-\d\d$/,
};

function findProblem(value: unknown, shape: Shape, path: string): string | undefined {
  const wrong = `${path} is ${JSON.stringify(value)}, not ${JSON.stringify(shape)}`;
  if (typeof shape === 'string') return isOfType(value, shape) ? undefined : wrong;
  if ('any' in shape) return shape.any.some((one) => !findProblem(value, one, path)) ? undefined : wrong;
  if (typeof value !== 'object' || value === null) return wrong;
  if ('list' in shape) {
    if (!Array.isArray(value)) return wrong;
    return value.map((item, index) => findProblem(item, shape.list, `${path}[${index}]`)).find(Boolean);
  }
  const entries = new Map(Object.entries(value));
  if ('map' in shape)
    return [...entries].map(([key, item]) => findProblem(item, shape.map, `${path}.${key}`)).find(Boolean);
  return Object.entries(shape.fields)
    .map(([key, one]) =>
      entries.has(key) ? findProblem(entries.get(key), one, `${path}.${key}`) : `${path}.${key} is missing`,
    )
    .find(Boolean);
}

function isOfType(value: unknown, type: Extract<Shape, string>): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'integer':
      return Number.isInteger(value);
    case 'uuid':
    case 'time':
    case 'date':
      return typeof value === 'string' && patterns[type].test(value);
    default:
      return typeof value === type;
  }
}

/** @throws where `value` does not look like `shape`, naming the field */
export function assertShape(value: unknown, shape: Shape): void {
  assert.equal(findProblem(value, shape, 'answer'), undefined);
}
