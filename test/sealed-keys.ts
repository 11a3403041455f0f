import type { ClientBase } from 'pg';
import { type DataKeySet, EnvelopeError, makeEnvelope } from '../database/envelope.ts';

/**
 * Opens as many provider keys as possible with a database login and these files. It tries every key in the files, under
 * every key id that any row was sealed with.
 *
 * @returns the opened keys, sorted
 */
export async function openableKeys(login: ClientBase, files: readonly string[]): Promise<string[]> {
  const { rows } = await login.query<{ organization_id: string; api_key_id: string; key_encrypted: Buffer }>(
    'select organization_id, api_key_id, key_encrypted from chaperone.api_keys where deleted_at is null',
  );
  const found = new Set(files.flatMap((text) => [...text.matchAll(/[A-Za-z0-9+/]{43}=/g)].map(([key]) => key)));
  const opened = rows.flatMap(({ organization_id, api_key_id, key_encrypted: sealed }) => {
    const place = { organizationId: organization_id, column: 'api_keys.key', rowId: api_key_id };
    const id = sealed.toString('utf8', 2, 2 + (sealed[1] ?? 0));
    return [...found].flatMap((key) => openWith({ current: id, keys: { [id]: key } }, place, sealed));
  });
  return opened.sort();
}

function openWith(keys: DataKeySet, place: Parameters<ReturnType<typeof makeEnvelope>['open']>[0], sealed: Buffer) {
  try {
    return [makeEnvelope(keys).open(place, sealed).toString()];
  } catch (error) {
    if (error instanceof EnvelopeError) return [];
    throw error;
  }
}
