import { Ajv, type ErrorObject } from 'ajv';
import type { JsonValue, StructuralSchema } from './definition.ts';
import type { Problem } from './problem.ts';
import { schemaMessage } from './schema-messages.ts';
import { fieldPath, isJsonArray, isJsonObject } from './schema-node.ts';

export interface SchemaProblem extends Problem {
  /** Past such a problem the API server evaluates no CEL rule, since rules rely on types and bounds. */
  readonly isBlocking: boolean;
}

/** Tells whether a value satisfies the JSON Schema keywords of its schema and, if not, what is wrong. */
export interface SchemaCheck<T> {
  is(value: unknown): value is T;
  problems(value: JsonValue): readonly SchemaProblem[];
}

const blocking = new Set(['type', 'required', 'maxLength', 'maxItems', 'maxProperties']);

export function compileSchemaCheck<T>(schema: StructuralSchema): SchemaCheck<T> {
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    verbose: true,
    // Half of the time that compiling takes. The schemas are our own, and a test compares them with the meta-schema.
    validateSchema: false,
    code: { optimize: false },
    formats: { 'date-time': isDateTime, uuid: true, int32: true, int64: true },
  });
  ajv.addKeyword({
    keyword: 'x-kubernetes-int-or-string',
    validate: (isSet: boolean, value: unknown) => !isSet || Number.isInteger(value) || typeof value === 'string',
  });
  const validate = ajv.compile<T>(schema);
  return {
    is: (value): value is T => validate(value),
    problems: (value) => {
      if (validate(value)) return [];
      return (validate.errors ?? []).map((error) => toProblem(error, value));
    },
  };
}

/** RFC 3339; the offset is not optional. */
function isDateTime(text: string): boolean {
  const hasForm = /^\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(\.\d+)?(z|[+-]\d\d:\d\d)$/i.test(text);
  if (!hasForm || Number.isNaN(Date.parse(text.toUpperCase()))) return false;
  // Date takes the 30th of February for the 2nd of March.
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

function toProblem(error: ErrorObject, root: JsonValue): SchemaProblem {
  const parent = pointerToPath(error.instancePath, root);
  const field = error.keyword === 'required' ? fieldPath(parent, error.params.missingProperty) : parent;
  return { field, message: schemaMessage(error, field), isBlocking: blocking.has(error.keyword) };
}

function pointerToPath(pointer: string, root: JsonValue): string {
  let path = '';
  let value: JsonValue | undefined = root;
  for (const escaped of pointer.split('/').slice(1)) {
    const name = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    if (isJsonArray(value)) {
      path += `[${name}]`;
      value = value[Number(name)];
    } else {
      path = fieldPath(path, name);
      value = isJsonObject(value) ? value[name] : undefined;
    }
  }
  return path;
}
