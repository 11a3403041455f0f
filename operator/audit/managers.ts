import type { FieldManager } from '../../crds/object-meta.ts';
import type { FieldChange, Manager } from '../../database/audit/entry.ts';

/** Stands for the files of a `chaperone up`, which say nothing about their writers. */
const directory: readonly Manager[] = [{ manager: 'directory' }];

/**
 * Who made these changes: the managers of the fields as they are now. Nobody manages a field that was removed, so for
 * such a field it is who changed the resource last.
 *
 * @param managers undefined where the cluster knows none
 * @see https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function managersOf(
  managers: readonly FieldManager[] | undefined,
  changes: readonly FieldChange[],
): readonly Manager[] {
  if (!managers) return directory;
  const latest = managers.reduce<string>((time, one) => (one.time > time ? one.time : time), '');
  const isRemoval = changes.some((change) => !('after' in change));
  const acting = managers.filter(({ time, fields }) => {
    const parsed: unknown = JSON.parse(fields);
    return (
      (isRemoval && time === latest) ||
      changes.some((change) => 'after' in change && manages(parsed, stepsOf(change.field)))
    );
  });
  return acting.map(({ manager, operation, time }) => ({ manager, operation, at: time }));
}

/** The steps of a path such as `spec.limits[team].per`. */
function stepsOf(field: string): string[] {
  return [...field.matchAll(/\[("(?:[^"\\]|\\.)*")\]|\[([^\]]*)\]|([^.[\]]+)/g)].map(
    ([, quoted, named, plain]) => plain ?? (quoted === undefined ? `[${named}]` : String(JSON.parse(quoted))),
  );
}

/** Whether the field set has the path, or a part of it as a whole. */
function manages(fields: unknown, [step, ...rest]: readonly string[]): boolean {
  if (typeof fields !== 'object' || fields === null) return false;
  const entries = Object.entries(fields).filter(([key]) => key !== '.');
  // A leaf, which is all below it.
  if (step === undefined || entries.length === 0) return true;
  const found = entries.find(([key]) => (step.startsWith('[') ? isItem(key, step.slice(1, -1)) : key === `f:${step}`));
  return found !== undefined && manages(found[1], rest);
}

/** Whether the key of a list's item, such as `k:{"name":"team"}`, names it. */
function isItem(key: string, name: string): boolean {
  if (!key.startsWith('k:')) return false;
  const parsed: unknown = JSON.parse(key.slice(2));
  return typeof parsed === 'object' && parsed !== null && 'name' in parsed && parsed.name === name;
}
