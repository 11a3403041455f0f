import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';

/** After the last of a row of events: an editor's save is several, and a file is written in parts. */
const quietMs = 12;
/** A row of events that does not end is not waited for. */
const longestRowMs = 200;
/** File systems exist that announce nothing, such as those of a network or of a virtual machine's host. */
const pollMs = 2_000;

/**
 * Calls back soon after something below the directory changed, and every 2 s for what was not announced.
 *
 * @returns ends the watch
 */
export function watchDirectory(directory: string, onChange: () => void): () => void {
  let quiet: NodeJS.Timeout | undefined;
  let rowBeganAt = 0;
  const fire = () => {
    quiet = undefined;
    // Before it is read, so that nothing is missed in between.
    watchers.update();
    onChange();
  };
  const onEvent = (_: string, name: string | null) => {
    if (name?.startsWith('.')) return;
    if (quiet === undefined) rowBeganAt = Date.now();
    else if (Date.now() - rowBeganAt > longestRowMs) return;
    clearTimeout(quiet);
    quiet = setTimeout(fire, quietMs);
  };
  const watchers = makeWatchers(directory, onEvent);
  watchers.update();
  const poll = setInterval(() => {
    watchers.update();
    onChange();
  }, pollMs);
  return () => {
    watchers.close();
    clearInterval(poll);
    clearTimeout(quiet);
  };
}

/**
 * A watcher for each directory. Node's own, `recursive`, on Linux watches each file by itself, and throws where nobody
 * can catch it when one cannot be watched, such as a link to itself.
 */
function makeWatchers(root: string, onEvent: (type: string, name: string | null) => void) {
  const watchers = new Map<string, FSWatcher>();
  const drop = (id: string) => {
    watchers.get(id)?.close();
    watchers.delete(id);
  };
  return {
    update() {
      const directories = new Map(directoriesOf(root).map(({ id, path }) => [id, path]));
      for (const known of watchers.keys()) if (!directories.has(known)) drop(known);
      for (const [id, path] of directories) {
        const watcher = watchers.has(id) ? undefined : startWatcher(path, onEvent);
        if (!watcher) continue;
        watchers.set(id, watcher);
        watcher.on('error', () => drop(id));
      }
    },
    close() {
      for (const id of [...watchers.keys()]) drop(id);
    },
  };
}

interface WatchedDirectory {
  readonly path: string;
  /** One that is made anew under the same path is another. */
  readonly id: string;
}

/** The directory and those below it that can be read and do not begin with a dot. */
function directoriesOf(path: string): readonly WatchedDirectory[] {
  try {
    const { ino, birthtimeMs } = statSync(path);
    const below = readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .flatMap(({ name }) => directoriesOf(join(path, name)));
    return [{ path, id: `${ino} ${birthtimeMs} ${path}` }, ...below];
  } catch {
    return [];
  }
}

/** Where the system watches no more (its limits are reached, or the directory went away), the poll is what remains. */
function startWatcher(directory: string, onEvent: (type: string, name: string | null) => void): FSWatcher | undefined {
  try {
    return watch(directory, onEvent);
  } catch {
    return undefined;
  }
}
