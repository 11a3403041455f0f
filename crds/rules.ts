import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import type { StructuralSchema, ValidationRule } from './definition.ts';
import { type Problem, quote } from './problem.ts';
import { isJsonArray, isJsonObject, type SchemaNode } from './schema-node.ts';

type Program = ReturnType<typeof plan>;

/** Evaluates a node's CEL rules; a node is expected to have the types that its schema states. */
export type RuleCheck = (node: SchemaNode) => readonly Problem[];

/** Every rule is compiled once, when it is first met. */
export function makeRuleCheck(): RuleCheck {
  // Of what Kubernetes has beside CEL's own functions: https://kubernetes.io/docs/reference/using-api/cel/
  const environment = celEnv({ funcs: strings });
  const programs = new Map<string, Program>();
  const programOf = (rule: string) => {
    const known = programs.get(rule);
    if (known) return known;
    const program = plan(environment, parse(rule));
    programs.set(rule, program);
    return program;
  };
  return (node) =>
    (node.schema['x-kubernetes-validations'] ?? [])
      .filter((rule) => node.old !== undefined || !isTransition(rule))
      .flatMap((rule) => evaluate(rule, programOf(rule.rule), node));
}

/** A rule that compares with the old value: it says nothing where there is none. */
function isTransition({ rule }: ValidationRule): boolean {
  return /\boldSelf\b/.test(rule);
}

function evaluate(rule: ValidationRule, program: Program, { schema, value, old, path }: SchemaNode): Problem[] {
  const self = celInput(schema, value);
  const outcome = program(old === undefined ? { self } : { self, oldSelf: celInput(schema, old) });
  if (outcome === true) return [];
  const field = `${path}${rule.fieldPath ?? ''}`;
  if (isCelError(outcome)) return [{ field, message: `Invalid value: ${rule.rule}: ${outcome.message}` }];
  if (rule.reason === 'FieldValueRequired') return [{ field, message: `Required value: ${rule.message}` }];
  const shown = typeof value === 'object' ? '' : `${quote(value)}: `;
  return [{ field, message: `Invalid value: ${shown}${rule.message}` }];
}

/** Only what the schema names is visible to rules, and integers are CEL's int. */
function celInput(schema: StructuralSchema, value: unknown): CelInput {
  if (typeof value === 'number') return schema.type === 'integer' ? BigInt(value) : value;
  const { items, properties = {}, additionalProperties } = schema;
  if (isJsonArray(value)) return items ? value.map((item) => celInput(items, item)) : [];
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (!isJsonObject(value)) return null;
  return new Map(
    Object.entries(value).flatMap(([name, field]): [string, CelInput][] => {
      const child = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
      return child ? [[name, celInput(child, field)]] : [];
    }),
  );
}
