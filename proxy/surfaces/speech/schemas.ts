import { Type } from 'typebox';
import { services } from '../../calls/identify/service.ts';
import { notBlank } from '../../http/not-blank.ts';
import { Nullable } from '../../http/schemas.ts';

/** Schemas that more than one resource of this surface uses. */

export const sessionId = Type.String({
  pattern: notBlank,
  maxLength: 128,
  description: 'The session, as calls name it by X-Session-ID.',
});

export const turnId = Type.String({
  pattern: notBlank,
  maxLength: 128,
  description: 'The turn, as calls name it by X-Turn-ID.',
});

export const sessionParams = Type.Object({ session_id: sessionId });

/** Whose session. */
export const sessionUser = {
  user_id: Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'Only the session of this user, where several users have a session of this id.',
    }),
  ),
};

export const Service = Type.Enum([...services]);

export const OptimizationLevel = Type.Enum(['quality', 'balanced', 'speed'], {
  description: 'The last one that was stated; `balanced` where none was.',
});

/** A field that may be left out or null. */
export function maybe<Schema extends Parameters<typeof Nullable>[0]>(schema: Schema) {
  return Type.Optional(Nullable(schema));
}
