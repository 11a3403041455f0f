import { DatabaseError } from 'pg';
import { ProxyError } from '../error.ts';

/**
 * Runs a write of something whose name is unique in the organization.
 *
 * @param constraint the database's, which a second one with the name violates
 * @param what with its article, such as `A persona`
 * @throws {ProxyError} `name_taken`
 */
export async function writeNamed<T>(
  constraint: string,
  what: string,
  name: string,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (!(cause instanceof DatabaseError && cause.constraint === constraint)) throw cause;
    const message = `${what} with the name ${JSON.stringify(name)} already exists`;
    throw new ProxyError('name_taken', { param: 'name', message, cause });
  }
}

/** What became of something that was to be deleted: where something refers to it, it is kept. */
export interface Retired {
  readonly id: string;
  readonly outcome: 'deleted' | 'deactivated';
}
