import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { ProviderError } from '../provider-error.ts';

/** The function, and the position of its parameters in the request. */
interface Place {
  name: string;
  param: string;
}

/**
 * Checks the JSON schema of a function's arguments as OpenAI does. The top must be an object, and every array needs
 * `items`. In a strict function, every object must forbid additional properties and require all of its own.
 *
 * @throws ProviderError 400 `invalid_function_parameters`
 */
export function requireParameters(schema: JsonObject, strict: boolean, place: Place): void {
  if (schema.type !== 'object') {
    const type = typeof schema.type === 'string' ? schema.type : 'None';
    throw refusal(place, `schema must be a JSON Schema of 'type: "object"', got 'type: "${type}"'.`);
  }
  check(schema, [], strict, place);
}

/** The depth of bodies is limited, so this may recurse. */
function check(schema: JsonValue | undefined, path: readonly string[], strict: boolean, place: Place): void {
  if (!isJsonObject(schema)) return;
  const refuse = (reason: string) => refusal(place, `In context=${tuple(path)}, ${reason}`);
  if (schema.type === 'array' && schema.items === undefined && schema.prefixItems === undefined) {
    throw refuse('array schema missing items.');
  }
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  if (strict && (schema.type === 'object' || schema.properties !== undefined)) {
    if (schema.additionalProperties !== false) {
      throw refuse("'additionalProperties' is required to be supplied and to be false.");
    }
    const required = Array.isArray(schema.required) ? schema.required : [];
    const absent = Object.keys(properties).find((name) => !required.includes(name));
    if (absent !== undefined) {
      throw refuse(
        `'required' is required to be supplied and to be an array including every key in properties. Missing '${absent}'.`,
      );
    }
  }
  for (const [name, property] of Object.entries(properties)) {
    check(property, [...path, 'properties', name], strict, place);
  }
  for (const keyword of ['$defs', 'definitions'] as const) {
    const definitions = schema[keyword];
    if (!isJsonObject(definitions)) continue;
    for (const [name, definition] of Object.entries(definitions)) {
      check(definition, [...path, keyword, name], strict, place);
    }
  }
  check(schema.items, [...path, 'items'], strict, place);
  for (const keyword of ['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const) {
    const schemas = schema[keyword];
    if (!Array.isArray(schemas)) continue;
    for (const [index, one] of schemas.entries()) check(one, [...path, keyword, String(index)], strict, place);
  }
}

/** Formats a path as a Python tuple, as OpenAI does. */
function tuple(path: readonly string[]): string {
  const parts = path.map((part) => `'${part}'`).join(', ');
  return path.length === 1 ? `(${parts},)` : `(${parts})`;
}

function refusal({ name, param }: Place, reason: string): ProviderError {
  return new ProviderError(`Invalid schema for function '${name}': ${reason}`, {
    param,
    code: 'invalid_function_parameters',
  });
}
