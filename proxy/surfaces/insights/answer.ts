import { type TSchema, Type } from 'typebox';
import { Timestamp } from '../../http/schemas.ts';

/** The schema of an answer with this data. */
export function Enveloped<Data extends TSchema>(data: Data, options: Parameters<typeof Type.Object>[1] = {}) {
  return Type.Object({ error: Type.Literal(false), status_code: Type.Integer(), data, timestamp: Timestamp }, options);
}

/** An answer. */
export function answer<Data>(data: Data, status = 200) {
  return { error: false as const, status_code: status, data, timestamp: new Date().toISOString() };
}
