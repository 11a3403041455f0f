import { type Problem, quote } from './problem.ts';
import { isJsonArray, itemIdentity, type SchemaNode } from './schema-node.ts';

/** The items that stand a second time in a list of type set, or under the same keys in one of type map. */
export function duplicateProblems({ schema, value, path }: SchemaNode): readonly Problem[] {
  const listType = schema['x-kubernetes-list-type'];
  if (!isJsonArray(value) || (listType !== 'set' && listType !== 'map')) return [];
  const seen = new Set<string>();
  return value.flatMap((item, index) => {
    const identity = itemIdentity(schema, item);
    if (!seen.has(identity)) {
      seen.add(identity);
      return [];
    }
    return [{ field: `${path}[${index}]`, message: `Duplicate value: ${quote(JSON.parse(identity))}` }];
  });
}
