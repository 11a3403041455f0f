import { complete } from './defaulting.ts';
import type { JsonValue, StructuralSchema } from './definition.ts';
import { duplicateProblems } from './duplicates.ts';
import type { Problem } from './problem.ts';
import { makeRuleCheck } from './rules.ts';
import { compileSchemaCheck } from './schema-check.ts';
import { schemaNodes } from './schema-node.ts';

export type Validation<T> = { readonly object: T } | { readonly problems: readonly Problem[] };

/** Completes and validates a value; `old` is the one it replaces, if it replaces one. */
export type Validate<T> = (value: JsonValue, old?: object) => Validation<T>;

/**
 * Compiles a structural schema to a function that does with a value what the API server does, and as `kubectl apply`
 * takes unknown fields for errors.
 *
 * @typeParam T the type that a completed and valid value has
 */
export function compileStructuralSchema<T>(schema: StructuralSchema): Validate<T> {
  const checkRules = makeRuleCheck();
  const check = compileSchemaCheck<T>(schema);
  return (given, old) => {
    const { value, unknownFields } = complete(schema, given);
    const schemaProblems = check.problems(value);
    const nodes = [...schemaNodes({ schema, value, old, path: '' })];
    const problems = [
      ...unknownFields.map((field) => ({ field, message: 'unknown field' })),
      ...schemaProblems.map(({ field, message }) => ({ field, message })),
      ...nodes.flatMap(duplicateProblems),
      ...(schemaProblems.some(({ isBlocking }) => isBlocking) ? [] : nodes.flatMap(checkRules)),
    ];
    return problems.length === 0 && check.is(value) ? { object: value } : { problems };
  };
}
