import type { Client } from 'pg';
import { until } from './until.ts';

/**
 * Waits until the record of a call is in the database.
 *
 * @param id its request id or its response id
 * @returns the row
 */
export function recordOf(database: Client, id: string | null | undefined) {
  return until(async () => {
    const { rows } = await database.query('select * from chaperone.requests where $1 in (request_id, response_id)', [
      id,
    ]);
    return rows[0];
  }, `the record of ${id}`);
}
