import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import { ProxyError } from '../error.ts';
import { notBlank } from './not-blank.ts';

/**
 * Checks requests by their schemas: bodies as they are, query strings and paths, which are all text, coerced. Answers
 * are not reshaped by theirs.
 *
 * @param namesEveryField whether a problem tells of every field that is wrong, and not only of the first
 */
export function validateBySchema(app: FastifyInstance, namesEveryField = false): void {
  // A surface that checks no schema needs no validator.
  const exact = makeAjvOnce({ allErrors: namesEveryField });
  const coercing = makeAjvOnce({ allErrors: namesEveryField, coerceTypes: true });
  const compile: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
    // Compiled when it is first needed: the request that loads the surface waits for all of its routes.
    let check: ValidateFunction | undefined;
    return (value) => {
      check ??= (httpPart === 'body' ? exact : coercing)().compile(schema);
      if (check(value)) return { value };
      const fields = namesEveryField ? fieldsOf(check.errors ?? []) : undefined;
      return { error: toProblem(httpPart ?? 'body', check.errors?.[0], fields) };
    };
  };
  app.setValidatorCompiler(compile);
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
}

function makeAjvOnce(options: Options): () => Ajv2020 {
  let ajv: Ajv2020 | undefined;
  return () => {
    ajv ??= addFormats.default(new Ajv2020({ useDefaults: true, keywords: ['example'], verbose: true, ...options }));
    return ajv;
  };
}

/** So many fields are named. */
const mostFields = 50;

/** What is wrong with each field: the first problem of it. */
function fieldsOf(errors: readonly ErrorObject[]): Readonly<Record<string, string>> {
  const fields = new Map<string, string>();
  for (const error of errors.slice(0, mostFields)) {
    const field = fieldOf(error);
    if (field !== '' && !fields.has(field)) fields.set(field, say(error));
  }
  return Object.fromEntries(fields);
}

function fieldOf({ instancePath, params }: ErrorObject): string {
  const names = [...instancePath.split('/').slice(1), params.missingProperty ?? params.additionalProperty].filter(
    (name) => name !== undefined,
  );
  return names.map(decodePointer).reduce(joinName, '');
}

function toProblem(
  part: string,
  error: ErrorObject | undefined,
  fields: Readonly<Record<string, string>> | undefined,
): ProxyError {
  if (!error) return new ProxyError('invalid_request');
  const field = fieldOf(error);
  const problem = say(error);
  const expected = expectedType(error);
  const details = {
    ...(field !== '' && { field }),
    problem,
    ...(expected !== undefined && { expected }),
    ...(fields && { fields }),
  };
  if (field !== '') return new ProxyError('invalid_request', { param: field, message: `${field} ${problem}`, details });
  return new ProxyError('invalid_request', {
    message: `${part === 'body' ? 'the body' : 'the request'} ${problem}`,
    details,
  });
}

/** The JSON type that the field must have, where the schema has one. */
function expectedType({ keyword, params, parentSchema }: ErrorObject): string | undefined {
  if (keyword === 'additionalProperties') return undefined;
  const schema = keyword === 'required' ? parentSchema?.properties?.[params.missingProperty] : parentSchema;
  return typeof schema?.type === 'string' ? schema.type : undefined;
}

/** What is wrong with a field; ajv's own words where they name what is expected. */
function say({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case 'required':
      return 'is required';
    case 'additionalProperties':
      return 'is not a known field';
    case 'enum':
      return `must be one of ${params.allowedValues.map((value: unknown) => JSON.stringify(value)).join(', ')}`;
    case 'const':
      return `must be ${JSON.stringify(params.allowedValue)}`;
    case 'pattern':
      return params.pattern === notBlank ? 'must not be blank' : (message ?? 'is not valid');
    case 'type':
      return `must be ${[params.type]
        .flat()
        .map((type) => typeNames[type] ?? type)
        .join(' or ')}`;
    case 'minLength':
      return params.limit === 1 ? 'must not be empty' : `must have at least ${params.limit} characters`;
    case 'maxLength':
      return `must have at most ${params.limit} characters`;
    case 'minItems':
      return `must have at least ${params.limit} entries`;
    case 'maxItems':
      return `must have at most ${params.limit} entries`;
    case 'minimum':
      return `must be at least ${params.limit}`;
    case 'maximum':
      return `must be at most ${params.limit}`;
    case 'format':
      return `must be a ${params.format}`;
    default:
      return message ?? 'is not valid';
  }
}

const typeNames: Readonly<Record<string, string>> = {
  object: 'a JSON object',
  array: 'a list',
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

/** A JSON Pointer's token (RFC 6901, section 4). */
function decodePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function joinName(path: string, name: string): string {
  if (/^\d+$/.test(name)) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}
