import { reservedParameters } from './call-fields.ts';
import type { StructuralSchema } from './definition.ts';
import { personaParameters } from './persona-parameters.generated.ts';
import { quote } from './problem.ts';
import { findListedField, readCallFields } from './read-call-fields.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** A field of a persona's parameters that it may not set, or not so. */
export interface RefusedParameter {
  /** Its name within the parameters, such as `reasoning.effort`. */
  readonly name: string;
  /** What follows the name in a sentence, such as `is for each call to say`. */
  readonly reason: string;
}

/** The first field that a persona may not set: it would govern calls, or name what is kept at a provider. */
export function findReservedParameter(parameters: Parameters): RefusedParameter | undefined {
  for (const name of Object.keys(parameters)) {
    const reason = whyReserved(name, parameters[name]);
    if (reason !== undefined) return { name, reason };
  }
  return undefined;
}

/** The parameters that a persona may set. Rows of earlier versions may have others, which are left out. */
export function permittedParameters(parameters: Parameters): Parameters {
  if (findReservedParameter(parameters) === undefined) return parameters;
  return Object.fromEntries(
    Object.entries(parameters).filter(([name, value]) => whyReserved(name, value) === undefined),
  );
}

function whyReserved(name: string, value: unknown): string | undefined {
  const meant = findListedField(name);
  if (meant !== undefined && meant !== name) return `must be written ${meant}`;
  if (reservedParameters.includes(name)) return 'is for each request to say';
  const { references, models, lookalike, isTooDeep } = readCallFields({ [name]: value });
  const [reference] = references;
  if (reference) {
    const what = reference.param === name ? '' : ` in ${reference.param}`;
    return `names what is kept at a provider${what}; each request must name it itself`;
  }
  if (models.length > 0) return 'names a model; each request must name it itself';
  if (lookalike) return `has a field ${lookalike.field}, which must be written ${lookalike.meant}`;
  return isTooDeep ? 'is nested too deep' : undefined;
}

/**
 * The first known field that is not what OpenAI's API takes, by the schema in personas.yaml. Other fields pass, and so does
 * a null, which stands for a field that is not set.
 */
export function findInvalidParameter(parameters: Parameters): RefusedParameter | undefined {
  return findInvalid(parameters, personaParameters, '');
}

function findInvalid(value: unknown, schema: StructuralSchema, name: string): RefusedParameter | undefined {
  if (value === null) return undefined;
  if (!satisfies(value, schema, name)) {
    return { name, reason: `must be ${expectation(schema, name)}, not ${quote(value)}` };
  }
  for (const [key, child] of Object.entries(value as object)) {
    const childSchema = Array.isArray(value) ? schema.items : (schema.properties?.[key] ?? schema.additionalProperties);
    const childName = Array.isArray(value) ? `${name}[${key}]` : name === '' ? key : `${name}.${key}`;
    const found = childSchema && findInvalid(child, childSchema, childName);
    if (found) return found;
  }
  return undefined;
}

type TypeName = NonNullable<StructuralSchema['type']>;

/** Fields of several types, which no CustomResourceDefinition can say: a structural schema has one type or none. */
const unions: Readonly<Record<string, readonly TypeName[]>> = {
  stop: ['string', 'array'],
  tool_choice: ['string', 'object'],
};

function satisfies(value: unknown, schema: StructuralSchema, name: string): boolean {
  const { minimum, maximum, minLength, enum: values } = schema;
  const types = typesOf(schema, name);
  if (types.length > 0 && !types.some((type) => isOfType(value, type))) return false;
  // The only list among them is one of strings.
  if (name in unions && Array.isArray(value)) return value.every((item) => typeof item === 'string');
  if (typeof value === 'number') return value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity);
  if (typeof value === 'string') return value.length >= (minLength ?? 0) && (values?.includes(value) ?? true);
  return true;
}

function typesOf({ type }: StructuralSchema, name: string): readonly TypeName[] {
  return type === undefined ? (unions[name] ?? []) : [type];
}

function isOfType(value: unknown, type: TypeName): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

const typeNames: Readonly<Record<TypeName, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
};

/** What a field takes, as a sentence goes on after `must be`. */
function expectation(schema: StructuralSchema, name: string): string {
  const { minimum, maximum, minLength, enum: values } = schema;
  if (values) return `one of ${values.map(quote).join(', ')}`;
  if (name === 'stop') return 'a string or a list of strings';
  const types = typesOf(schema, name).map((type) => typeNames[type]);
  if (maximum !== undefined) return `${types.join()} from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${types.join()} of at least ${minimum}`;
  return minLength === undefined ? types.join(' or ') : `${types.join()} that is not empty`;
}
