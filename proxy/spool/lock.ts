import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Takes a directory for this process. The lock is the operating system's, held through SQLite, since Node has no file
 * locks of its own: it ends with the process, however that ends.
 *
 * @returns the function that gives the directory free
 * @throws where another process has it
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
