import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Locks a directory for this process. It is a lock of the operating system, held through SQLite, since Node has no file
 * locks. It ends with the process, even where the process is killed.
 *
 * @returns a function that releases the lock
 * @throws where another process has the lock
 */
export function lockDirectory(directory: string): () => void {
  const database = new DatabaseSync(join(directory, 'lock'));
  try {
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    throw error;
  }
  return () => database.close();
}
