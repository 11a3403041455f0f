import type { PendingCall } from '../../../database/pending-calls.ts';
import { asString, type Body } from '../../providers/json.ts';
import type { Ownership } from '../resources/ownership.ts';

/** Notes that a batch and its output files belong to the user who made the batch. */
export function noteBatch(ownership: Ownership, batch: Body, { user_id, api_key_id }: PendingCall): void {
  if (api_key_id === null) return;
  const note = (kind: 'batch' | 'file', id: unknown) => {
    const resource_id = asString(id);
    if (resource_id !== null) ownership.note({ resource_id, kind, user_id, api_key_id });
  };
  note('batch', batch.id);
  note('file', batch.output_file_id);
  note('file', batch.error_file_id);
}
