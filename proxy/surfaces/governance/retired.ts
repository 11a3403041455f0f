import { type Static, Type } from 'typebox';
import type { Retired } from '../../governance/named.ts';
import { Uuid } from '../../http/schemas.ts';

/** The answer to a deletion. */
export const RetiredAnswer = Type.Object({
  id: Uuid,
  deleted: Type.Boolean(),
  deactivated: Type.Boolean(),
  message: Type.String(),
});

export function showRetired(
  { id, outcome }: Retired,
  messages: Readonly<Record<Retired['outcome'], string>>,
): Static<typeof RetiredAnswer> {
  return { id, deleted: outcome === 'deleted', deactivated: outcome === 'deactivated', message: messages[outcome] };
}
