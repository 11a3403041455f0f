import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';

/** How long to wait after the last event: saving a file causes several events, and a file is written in parts. */
const quietMs = 12;
/** The longest wait where events do not end. */
const maxWaitMs = 200;
/** Some file systems announce no changes, such as network file systems and those shared with a virtual machine. */
const pollMs = 2_000;

/**
 * Calls `onChange` soon after a change below the directory, and every 2 s for changes that were not announced.
 *
 * @returns a function that ends the watch
 */
export function watchDirectory(directory: string, onChange: () => void): () => void {
  let quiet: NodeJS.Timeout | undefined;
  let rowBeganAt = 0;
  const fire = () => {
    quiet = undefined;
    // Before the directory is read, so that no change is missed in between.
    watchers.update();
    onChange();
  };
  const onEvent = (_: string, name: string | null) => {
    if (name?.startsWith('.')) return;
    if (quiet === undefined) rowBeganAt = Date.now();
    else if (Date.now() - rowBeganAt > maxWaitMs) return;
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
 * Makes a watcher for each directory. Node's `recursive` option watches each file by itself on Linux. Where one cannot
 * be watched, such as a link to itself, it throws an error that nobody can catch.
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
  /** Identifies the directory: one that is created again under the same path has another id. */
  readonly id: string;
}

/** The directory and all readable ones below it, except those that begin with a dot. */
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

/** Where the system cannot watch (its limit is reached, or the directory is gone), only the poll remains. */
function startWatcher(directory: string, onEvent: (type: string, name: string | null) => void): FSWatcher | undefined {
  try {
    return watch(directory, onEvent);
  } catch {
    return undefined;
  }
}
