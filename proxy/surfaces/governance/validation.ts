import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify';
import { ProxyError } from '../../error.ts';

/**
 * Checks requests by their schemas: bodies as they are, query strings and paths, which are all text, coerced. Answers
 * are not reshaped by theirs.
 */
export function validateBySchema(app: FastifyInstance): void {
  const options = { useDefaults: true, keywords: ['example'] };
  const exact = addFormats.default(new Ajv2020(options));
  const coercing = addFormats.default(new Ajv2020({ ...options, coerceTypes: true }));
  const compile: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
    const ajv = httpPart === 'body' ? exact : coercing;
    // Compiled when it is first needed: a proxy that starts has other things to do.
    let check: ReturnType<typeof ajv.compile> | undefined;
    return (value) => {
      check ??= ajv.compile(schema);
      return check(value) ? { value } : { error: toProblem(httpPart ?? 'body', check.errors?.[0]) };
    };
  };
  app.setValidatorCompiler(compile);
  app.setSerializerCompiler(() => (answer) => JSON.stringify(answer));
}

function toProblem(part: string, error: ErrorObject | undefined): ProxyError {
  if (!error) return new ProxyError('invalid_request');
  const { missingProperty, additionalProperty, allowedValues, allowedValue, format } = error.params;
  const names = [...error.instancePath.split('/').slice(1), missingProperty ?? additionalProperty].filter(
    (name) => name !== undefined,
  );
  const param = names.map(decodePointer).reduce(joinName, '');
  const whole = part === 'body' ? 'The body' : 'The request';
  const allowed = allowedValues?.map((value: unknown) => JSON.stringify(value)).join(', ');
  const problem =
    missingProperty !== undefined
      ? 'is required'
      : additionalProperty !== undefined
        ? 'is not a known field'
        : allowed !== undefined
          ? `must be one of ${allowed}`
          : allowedValue !== undefined
            ? `must be ${JSON.stringify(allowedValue)}`
            : format !== undefined
              ? `must be a ${format}`
              : error.message;
  const message = `${param === '' ? whole : param} ${problem}`;
  return new ProxyError('invalid_request', param === '' ? { message } : { param, message });
}

/** A JSON Pointer's token (RFC 6901, section 4). */
function decodePointer(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function joinName(path: string, name: string): string {
  if (/^\d+$/.test(name)) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}
