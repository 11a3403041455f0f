import { isDeepStrictEqual } from 'node:util';

/** A field that differs. Undefined: it is not there. */
export interface FieldChange {
  readonly resource: string;
  /** Such as `spec.limits[team].requests.count`. */
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The fields in which two specs differ. Items of lists are told apart by their name, or the like. */
export function diffSpecs(resource: string, before: unknown, after: unknown, field = 'spec'): FieldChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [one, other] = [partsOf(before), partsOf(after)];
  if (!one || !other) return [{ resource, field, before, after }];
  const names = [...new Set([...one.parts.keys(), ...other.parts.keys()])];
  return names.flatMap((name) =>
    diffSpecs(
      resource,
      one.parts.get(name),
      other.parts.get(name),
      one.isList ? `${field}[${name}]` : `${field}.${name}`,
    ),
  );
}

/** The parts of an object, or of a list of objects with names. Undefined: it has none. */
function partsOf(
  value: unknown,
): { readonly isList: boolean; readonly parts: ReadonlyMap<string, unknown> } | undefined {
  if (Array.isArray(value)) {
    const named = value.map((item) => [nameOf(item), item] as const);
    const parts = new Map(named.flatMap(([name, item]) => (name === undefined ? [] : [[name, item] as const])));
    return parts.size === value.length ? { isList: true, parts } : undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  return { isList: false, parts: new Map(Object.entries(value)) };
}

/** Fields that tell the items of a list apart. */
const nameFields = ['name', 'model', 'namespace', 'issuer'];

function nameOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  for (const field of nameFields) {
    const name: unknown = Reflect.get(item, field);
    if (typeof name === 'string') return name;
  }
  return undefined;
}
