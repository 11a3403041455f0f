import type { AnySchemaObject, ErrorObject } from 'ajv';
import { quote } from './problem.ts';

/** The API server's own sentences by keyword, so that a problem reads the same wherever it is found. */
const messages: Readonly<Record<string, (error: ErrorObject, path: string) => string>> = {
  required: () => 'Required value',
  type: ({ data, params }, path) =>
    `Invalid value: "${typeName(data)}": ${path} in body must be of type ${params.type}: "${typeName(data)}"`,
  enum: ({ data, params }) =>
    `Unsupported value: ${quote(data)}: supported values: ${params.allowedValues.map(quote).join(', ')}`,
  pattern: ({ data, params }, path) =>
    `Invalid value: ${quote(data)}: ${path} in body should match '${params.pattern}'`,
  format: ({ data, params }, path) =>
    `Invalid value: ${quote(data)}: ${path} in body must be of type ${params.format}: ${quote(data)}`,
  minLength: ({ data, params }, path) =>
    `Invalid value: ${quote(data)}: ${path} in body should be at least ${params.limit} chars long`,
  maxLength: ({ params }) => `Too long: may not be more than ${params.limit} bytes`,
  minItems: ({ data, params }, path) =>
    `Invalid value: ${sizeOf(data)}: ${path} in body should have at least ${params.limit} items`,
  maxItems: ({ data, params }) => `Too many: ${sizeOf(data)}: must have at most ${params.limit} items`,
  maxProperties: ({ data, params }) => `Too many: ${sizeOf(data)}: must have at most ${params.limit} items`,
  minimum: ({ data, params }, path) =>
    `Invalid value: ${quote(data)}: ${path} in body should be greater than or equal to ${params.limit}`,
  maximum: ({ data, params }, path) =>
    `Invalid value: ${quote(data)}: ${path} in body should be less than or equal to ${params.limit}`,
  not: ({ parentSchema }, path) => `Invalid value: ${path} may not set ${forbiddenFields(parentSchema).join(', ')}`,
};

/** @param path where the value stands; empty for the object itself */
export function schemaMessage(error: ErrorObject, path: string): string {
  return messages[error.keyword]?.(error, path) ?? `Invalid value: ${path} in body ${error.message}`;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

function sizeOf(value: unknown): number {
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
}

function forbiddenFields(schema: AnySchemaObject | undefined): readonly string[] {
  return (schema?.not?.anyOf ?? []).flatMap(({ required }: { required: readonly string[] }) => required);
}
