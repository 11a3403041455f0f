import { type TSchema, Type } from 'typebox';
import { notBlank } from './not-blank.ts';

/** Schemas that more than one resource uses. */

export const Uuid = Type.String({ format: 'uuid' });

export const Timestamp = Type.String({ format: 'date-time', description: 'In UTC.' });

/** The name that an organization knows something by. */
export const Name = Type.String({ pattern: notBlank, maxLength: 200, description: 'Unique in the organization.' });

/** A value or null. */
export function Nullable<Schema extends TSchema>(schema: Schema, description?: string) {
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
}
