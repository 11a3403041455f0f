import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EmbeddedPostgresError } from './error.ts';

const sqliteBusy = 5;

/**
 * Takes the directory for this process. The lock is the operating system's, held through SQLite, since Node has no
 * file locks of its own: it ends with the process, however that ends.
 *
 * @returns the function that gives the directory free
 * @throws EmbeddedPostgresError `directory-in-use`
 */
export function lockDirectory(directory: string): () => void {
  const database = new DatabaseSync(join(directory, 'lock'));
  try {
    database.exec('begin exclusive');
  } catch (cause) {
    database.close();
    if (!(cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy)) throw cause;
    throw new EmbeddedPostgresError(
      'directory-in-use',
      `Another running process uses the database in ${directory}. Stop it, or choose another data directory.`,
      { cause },
    );
  }
  return () => database.close();
}
