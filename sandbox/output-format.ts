import { type Fields, missing } from './fields.ts';
import type { JsonObject } from './json.ts';

export type OutputFormat = { type: 'text' } | { type: 'json_object' } | { type: 'json_schema'; schema: JsonObject };

const types = ['text', 'json_object', 'json_schema'] as const;

/**
 * Reads `text.format` of a response or `response_format` of a chat completion. The first has its schema directly, the
 * second one level deeper.
 */
export function readOutputFormat(format: Fields | null, schemaUnder?: 'json_schema'): OutputFormat {
  if (format === null) return { type: 'text' };
  const type = format.choice('type', types);
  if (type === null) throw missing(format.path('type'));
  if (type !== 'json_schema') return { type };
  const holder = schemaUnder ? format.nested(schemaUnder) : format;
  if (holder === null) throw missing(format.path('json_schema'));
  holder.requiredString('name');
  const schema = holder.object('schema');
  if (schema === null) throw missing(holder.path('schema'));
  return { type, schema };
}
