import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { EmbeddedPostgresError } from './error.ts';

const sqliteBusy = 5;

/**
 * Locks the directory for this process. It is a lock of the operating system, held through SQLite, since Node has no
 * file locks. It ends with the process, even where the process is killed.
 *
 * @returns a function that releases the lock
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
