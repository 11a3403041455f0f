import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { FieldChange } from './entry.ts';

/** A longer text is recorded as its digest, and a larger change as the digests of the whole. */
const longestText = 512;
const largestChange = 200_000;

/**
 * The fields that differ between two JSON values, by their paths. An item of a list of objects with names is found by its
 * name, so that another order is no change of its fields.
 *
 * @param root the path of the values themselves, such as `spec`
 */
export function diffFields(root: string, before: unknown, after: unknown): FieldChange[] {
  const [former, next] = [leavesOf(root, before), leavesOf(root, after)];
  const changes: FieldChange[] = [];
  for (const field of new Set([...former.keys(), ...next.keys()])) {
    const [one, other] = [former.get(field), next.get(field)];
    if (isDeepStrictEqual(one, other)) continue;
    changes.push({
      field,
      ...(one !== undefined && { before: shorten(one) }),
      ...(other !== undefined && { after: shorten(other) }),
    });
  }
  if (JSON.stringify(changes).length <= largestChange) return changes;
  return [
    {
      field: root,
      ...(before !== undefined && { before: digestOf(JSON.stringify(before)) }),
      ...(after !== undefined && { after: digestOf(JSON.stringify(after)) }),
    },
  ];
}

/** Stands for a text that is not recorded itself. */
export interface TextDigest {
  readonly sha256: string;
  readonly length: number;
}

export function digestOf(text: string): TextDigest {
  return { sha256: createHash('sha256').update(text).digest('hex'), length: text.length };
}

function shorten(value: unknown): unknown {
  if (typeof value === 'string') return value.length > longestText ? digestOf(value) : value;
  const text = JSON.stringify(value);
  return text.length > 16 * longestText ? digestOf(text) : value;
}

function leavesOf(path: string, value: unknown, leaves = new Map<string, unknown>()): Map<string, unknown> {
  if (value === undefined) return leaves;
  const inner = entriesOf(value);
  if (!inner) leaves.set(path, value);
  for (const [key, one] of inner ?? []) leavesOf(`${path}${key}`, one, leaves);
  return leaves;
}

/** The parts of a value with the ends of their paths. Undefined where it is recorded as one. */
function entriesOf(value: unknown): [key: string, value: unknown][] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) {
    const entries = Object.entries(value);
    if (entries.length === 0 || '$user' in value || 'sha256' in value) return undefined;
    return entries.map(([key, one]) => [/^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, one]);
  }
  const names = value.map(nameOf);
  const isNamed = value.length > 0 && names.every((name) => name !== undefined) && new Set(names).size === names.length;
  return isNamed ? value.map((one, index) => [`[${names[index]}]`, one]) : undefined;
}

function nameOf(item: unknown): string | undefined {
  return typeof item === 'object' && item !== null && 'name' in item && typeof item.name === 'string'
    ? item.name
    : undefined;
}
