import { type Fields, missing } from '../fields.ts';
import { ProviderError } from '../provider-error.ts';
import { requireParameters } from './parameters.ts';
import type { Tool } from './tool.ts';

export const maxTools = 128;
const maxNameLength = 64;

/**
 * Reads the definition of a function or a custom tool from the object that has its name.
 *
 * @throws ProviderError 400, as OpenAI's, for an invalid name or schema
 */
export function readTool(kind: Tool['kind'], fields: Fields): Tool {
  const name = readName(fields);
  const description = fields.string('description') ?? '';
  if (kind === 'custom') {
    readFormat(fields.nested('format'));
    return { kind, name, description, parameters: null };
  }
  const strict = fields.boolean('strict') ?? false;
  const parameters = fields.object('parameters');
  if (parameters !== null) requireParameters(parameters, strict, { name, param: fields.path('parameters') });
  return { kind, name, description, parameters };
}

function readName(fields: Fields): string {
  const name = fields.requiredString('name');
  const path = fields.path('name');
  if (name.length > maxNameLength) {
    const message = `Invalid '${path}': string too long. Expected a string with maximum length ${maxNameLength}, but got a string with length ${name.length} instead.`;
    throw new ProviderError(message, { param: path, code: 'string_above_max_length' });
  }
  if (/^[a-zA-Z0-9_-]+$/.test(name)) return name;
  const message = `Invalid '${path}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`;
  throw new ProviderError(message, { param: path, code: 'invalid_value' });
}

function readFormat(format: Fields | null): void {
  if (format !== null && format.choice('type', ['text', 'grammar']) === null) throw missing(format.path('type'));
}
