import { type FSWatcher, watch } from 'node:fs';
import { sep } from 'node:path';

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
    onChange();
  };
  const onEvent = (_: string, name: string | null) => {
    if (name?.split(sep).some((part) => part.startsWith('.'))) return;
    if (quiet === undefined) rowBeganAt = Date.now();
    else if (Date.now() - rowBeganAt > longestRowMs) return;
    clearTimeout(quiet);
    quiet = setTimeout(fire, quietMs);
  };
  const watcher = startWatcher(directory, onEvent);
  const poll = setInterval(onChange, pollMs);
  return () => {
    watcher?.close();
    clearInterval(poll);
    clearTimeout(quiet);
  };
}

/** Where the system watches no more (its limits are reached, or the directory went away), the poll is what remains. */
function startWatcher(directory: string, onEvent: (type: string, name: string | null) => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { recursive: true }, onEvent);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
