import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';
import { ProviderError } from './provider-error.ts';

interface Sampling {
  root: JsonObject;
  /** Goes into the first string that it fits. The other strings get their property's name. */
  answer: string | null;
  /** Values for strings and numbers, each used once, before the answer. */
  values: string[];
  /** The words of the user's message, in lower case. */
  said: ReadonlySet<string>;
  /** How many values may still be made: a limit for schemas that grow without end. */
  budget: number;
}

/** The depth below which optional values are left out, so that recursive schemas end. */
const generousDepth = 4;
const maxDepth = 64;
const maxStringLength = 100_000;

/**
 * Makes a value that satisfies `schema`, always the same for the same arguments. It supports the keywords of OpenAI's
 * structured outputs except `pattern`: types, enum, const, anyOf, oneOf, allOf, local $ref (recursive ones too),
 * formats and bounds.
 *
 * @throws ProviderError 400 `invalid_json_schema` where it finds no value: no end to the recursion, a dangling $ref, or
 * more than 10,000 values
 *
 * @param said the user's message: an enum takes the value that shares most words with it
 */
export function sampleOf(schema: JsonObject, answer: string, said = ''): JsonValue {
  const sampling = { root: schema, answer, values: [], said: new Set(wordsOf(said)), budget: 10_000 };
  return sample(sampling, schema, 'answer', 0);
}

/**
 * Makes arguments that satisfy a function's schema, like `sampleOf`, but from the user's message. Strings and numbers
 * take the values that fit, in order. The first string without a value takes the whole message.
 *
 * @param values the parts of the message that could be arguments
 */
export function argumentsOf(schema: JsonObject, said: string, values: readonly string[]): JsonValue {
  const answer = said === '' ? null : said;
  const sampling = { root: schema, answer, values: [...values], said: new Set(wordsOf(said)), budget: 10_000 };
  return sample(sampling, schema, 'arguments', 0);
}

function sample(sampling: Sampling, schema: JsonValue | undefined, name: string, depth: number): JsonValue {
  sampling.budget -= 1;
  if (sampling.budget < 0 || depth > maxDepth) throw refusal('it asks for too much');
  if (!isJsonObject(schema)) return name;
  if (typeof schema.$ref === 'string') {
    const { $ref, ...rest } = schema;
    return sample(sampling, merge(resolve(sampling.root, schema.$ref), rest), name, depth + 1);
  }
  if ('const' in schema) return schema.const ?? null;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return chooseValue(sampling, schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices) && choices.length > 0) {
    const { anyOf, oneOf, ...rest } = schema;
    return sample(sampling, merge(rest, choose(choices, depth)), name, depth + 1);
  }
  if (Array.isArray(schema.allOf)) {
    const { allOf, ...rest } = schema;
    return sample(sampling, schema.allOf.reduce<JsonObject>(merge, rest), name, depth + 1);
  }
  return sampleOfType(sampling, schema, name, depth);
}

function sampleOfType(sampling: Sampling, schema: JsonObject, name: string, depth: number): JsonValue {
  switch (typeOf(schema)) {
    case 'object':
      return sampleObject(sampling, schema, depth);
    case 'array':
      return sampleArray(sampling, schema, name, depth);
    case 'integer':
      return sampleNumber(sampling, schema, 1);
    case 'number':
      return sampleNumber(sampling, schema, 0);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return sampleString(sampling, schema, name);
  }
}

function typeOf(schema: JsonObject): JsonValue | undefined {
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type !== undefined) return type;
  if ('properties' in schema) return 'object';
  return 'items' in schema ? 'array' : undefined;
}

function sampleObject(sampling: Sampling, schema: JsonObject, depth: number): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === 'string') : [];
  const names = depth < generousDepth ? new Set([...Object.keys(properties), ...required]) : new Set(required);
  return Object.fromEntries(
    [...names].map((name) => {
      const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
      return [name, sample(sampling, property, name, depth + 1)];
    }),
  );
}

function sampleArray(sampling: Sampling, schema: JsonObject, name: string, depth: number): JsonValue[] {
  const prefix = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
  const wanted = Math.max(prefix.length, depth < generousDepth ? 1 : 0, numberOf(schema.minItems) ?? 0);
  const length = Math.min(wanted, numberOf(schema.maxItems) ?? wanted);
  if (length > sampling.budget) throw refusal('it asks for too much');
  return Array.from({ length }, (_, index) => {
    return sample(sampling, prefix[index] ?? schema.items, `${name} ${index + 1}`, depth + 1);
  });
}

function sampleNumber(sampling: Sampling, schema: JsonObject, step: number): number {
  const minimum = numberOf(schema.minimum);
  const maximum = numberOf(schema.maximum);
  const above = numberOf(schema.exclusiveMinimum);
  const below = numberOf(schema.exclusiveMaximum);
  const grid = numberOf(schema.multipleOf) ?? step;
  const low = Math.max(minimum ?? -Infinity, above ?? -Infinity);
  const high = Math.min(maximum ?? Infinity, below ?? Infinity);
  const fits = (value: number) =>
    value >= low && value <= high && value !== above && value !== below && (grid !== 1 || Number.isInteger(value));
  const onGrid = (value: number) => (grid > 0 ? Math.ceil(value / grid) * grid : value);
  const isOnGrid = (value: number) => grid === 0 || Math.abs(value / grid - Math.round(value / grid)) < 1e-9;
  const isGood = (value: number) => Number.isFinite(value) && isOnGrid(value) && fits(value);
  const said = take(sampling.values, (value) => /^-?\d+(\.\d+)?$/.test(value) && isGood(Number(value)));
  if (said !== undefined) return Number(said);
  const candidates = [1, 0, onGrid(low), onGrid(low) + grid, (low + high) / 2, onGrid(high) - grid, low + 1, high - 1];
  return candidates.find(isGood) ?? 1;
}

/** The sample for each format, used unless the user's message has a fitting value. */
const formats: Record<string, readonly [sample: string, form?: RegExp]> = {
  'date-time': ['2025-01-01T00:00:00Z'],
  date: ['2025-01-01', /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d)$/],
  time: ['00:00:00Z'],
  duration: ['P1D'],
  email: ['sandbox@example.com', /^[\w.+-]+@[\w-]+(\.[\w-]+)+$/],
  hostname: ['example.com'],
  ipv4: ['192.0.2.1'],
  ipv6: ['2001:db8::1'],
  uri: ['https://example.com/', /^https?:\/\/[\w.-]+(:\d+)?(\/[\w.~/-]*)?$/],
  uuid: ['00000000-0000-4000-8000-000000000000', /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i],
};

function sampleString(sampling: Sampling, schema: JsonObject, name: string): string {
  if (typeof schema.format === 'string' && Object.hasOwn(formats, schema.format)) {
    const [sample, form] = formats[schema.format] ?? [name];
    return take(sampling.values, (value) => form?.test(value) === true) ?? sample;
  }
  const minimum = numberOf(schema.minLength) ?? 0;
  const maximum = numberOf(schema.maxLength) ?? Infinity;
  if (minimum > maxStringLength) throw refusal('it asks for too much');
  // JSON Schema counts characters, not UTF-16 units.
  const characters = [...textFor(sampling, name)].slice(0, maximum);
  return characters.join('') + '.'.repeat(Math.max(0, minimum - characters.length));
}

/** Takes words before numbers, since a number field may still need those. */
function textFor(sampling: Sampling, name: string): string {
  const isWord = (value: string) => Number.isNaN(Number(value));
  const text = take(sampling.values, isWord) ?? take(sampling.values, () => true) ?? sampling.answer ?? name;
  sampling.answer = null;
  return text;
}

/** Removes and returns the first value that fits. */
function take(values: string[], fits: (value: string) => boolean): string | undefined {
  const index = values.findIndex(fits);
  return index === -1 ? undefined : values.splice(index, 1)[0];
}

function chooseValue({ said }: Sampling, values: JsonValue[]): JsonValue {
  const shared = values.map((value) => wordsOf(String(value)).filter((word) => said.has(word)).length);
  return values[shared.indexOf(Math.max(...shared))] ?? null;
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

function choose(choices: JsonValue[], depth: number): JsonValue | undefined {
  if (depth < generousDepth) return choices[0];
  const ends = (choice: JsonValue) =>
    isJsonObject(choice) && !('$ref' in choice) && !('properties' in choice) && !('items' in choice);
  return choices.find(ends) ?? choices.at(-1);
}

/** Merges two schemas by their keywords. Properties and required are united. */
function merge(left: JsonObject, right: JsonValue | undefined): JsonObject {
  if (!isJsonObject(right)) return left;
  const merged = { ...left, ...right };
  if (isJsonObject(left.properties) && isJsonObject(right.properties)) {
    merged.properties = { ...left.properties, ...right.properties };
  }
  if (Array.isArray(left.required) && Array.isArray(right.required)) {
    merged.required = [...left.required, ...right.required];
  }
  return merged;
}

function resolve(root: JsonObject, reference: string): JsonObject {
  if (!reference.startsWith('#')) throw refusal(`it refers to '${reference}'`);
  let found: JsonValue | undefined = root;
  for (const segment of reference.split('/').slice(1)) {
    const name = decode(segment);
    found = isJsonObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  if (!isJsonObject(found)) throw refusal(`it refers to '${reference}', which is not there`);
  return found;
}

function decode(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}

function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function refusal(reason: string): ProviderError {
  return new ProviderError(`Invalid schema: ${reason}.`, { code: 'invalid_json_schema' });
}
