import { join } from 'node:path';
import { makeCache } from './cache.ts';
import type { Cluster, ObjectKey } from './cluster.ts';
import { makeAppliedSecrets } from './directory/applied-secrets.ts';
import type { FileProblem } from './directory/directory-error.ts';
import type { Environment } from './directory/environment.ts';
import { makeEventLog } from './directory/event-log.ts';
import { makeValidators } from './directory/kinds.ts';
import { defaultSettleMs } from './directory/missing-objects.ts';
import { makeObjects } from './directory/objects.ts';
import { makeProblemReport } from './directory/problem-report.ts';
import { makeReader } from './directory/reader.ts';
import { makeRecords } from './directory/records.ts';
import { makeSecretFiles } from './directory/secret-files.ts';
import { makeSerializer } from './directory/serializer.ts';
import { makeStateFiles } from './directory/state-files.ts';
import { watchDirectory } from './directory/watch.ts';

export { DirectoryError, type FileProblem } from './directory/directory-error.ts';

export interface DirectoryClusterContext {
  /** Has the YAML files, at any depth. */
  readonly directory: string;
  /**
   * Has what a cluster would store: statuses (`status/<Kind>/<namespace>/<name>.yaml`), the operator's Secrets
   * (`secrets/<namespace>/<name>/<key>`), Events (`events.jsonl`), and assigned metadata (`objects/`).
   */
  readonly stateDirectory: string;
  /** The values for `${NAME}` in a Secret's `stringData`. */
  readonly environment: Environment;
  /** Called once for each problem. The object's last valid state stays in force. */
  readonly onProblem: (problem: FileProblem) => void;
  /** Called with the problems that an edit has solved. */
  readonly onFixed?: (solved: readonly FileProblem[]) => void;
  /** How long an object must be missing before it counts as deleted. */
  readonly settleMs?: number;
}

export interface DirectoryCluster extends Cluster {
  /** The current problems. */
  problems(): readonly FileProblem[];
}

/**
 * A cluster whose resources are YAML files in a directory, in the form for `kubectl apply`.
 *
 * A change takes effect some milliseconds after the file is saved. An object is deleted when no file states it any
 * more; with finalizers, it stays until they are removed. The start notices deletions that happened while no process
 * ran. `start` throws a DirectoryError where there is no directory, or no YAML file in it.
 */
export function makeDirectoryCluster(context: DirectoryClusterContext): DirectoryCluster {
  const { directory, stateDirectory, environment, onProblem, onFixed = () => {}, settleMs = defaultSettleMs } = context;
  const now = () => new Date();
  const cache = makeCache();
  const records = makeRecords(makeStateFiles(join(stateDirectory, 'objects')));
  const statusFiles = makeStateFiles(join(stateDirectory, 'status'));
  const objects = makeObjects({ cache, records, statusFiles, validators: makeValidators(environment), now });
  const secretFiles = makeSecretFiles(join(stateDirectory, 'secrets'));
  const secrets = makeAppliedSecrets({ cache, records, files: secretFiles, now });
  const recordEvent = makeEventLog(join(stateDirectory, 'events.jsonl'), now);
  const problems = makeProblemReport(onProblem, onFixed);
  const reader = makeReader({ directory, objects, records, problems, settleMs });
  // All changes run one after another, so that none sees another one half done.
  const serialize = makeSerializer();

  let isStarted = false;
  let isClosed = false;
  let stopWatching = () => {};
  let settling: NodeJS.Timeout | undefined;

  const read = async () => {
    if (isClosed) return;
    const isIncomplete = await reader.read();
    clearTimeout(settling);
    if (isIncomplete && !isClosed) settling = setTimeout(readSoon, settleMs);
  };
  const readSoon = () => {
    serialize(read);
  };

  /** Once an object is gone, a file that states it again makes a new object. */
  const restate = (key: ObjectKey) => {
    if (records.get(key)) return;
    reader.forget(key);
    readSoon();
  };

  return {
    get: cache.get,
    list: cache.list,
    subscribe: (listener) =>
      cache.subscribe((key, change) => {
        if (isStarted) listener(key, change);
      }),
    problems: problems.current,

    start: () =>
      serialize(async () => {
        await records.load();
        await objects.load();
        await secrets.load();
        // Before the first read, so that no change is missed in between.
        stopWatching = watchDirectory(directory, readSoon);
        try {
          await read();
        } catch (error) {
          isClosed = true;
          stopWatching();
          throw error;
        }
        isStarted = true;
      }),

    close: async () => {
      isClosed = true;
      stopWatching();
      clearTimeout(settling);
      await serialize(async () => {});
    },

    updateStatus: (key, status) => serialize(() => objects.updateStatus(key, status)),
    applySecret: (secret) => serialize(() => secrets.apply(secret)),
    deleteSecret: (namespace, name, isOwn) =>
      serialize(async () => {
        await secrets.delete(namespace, name, isOwn);
        restate({ kind: 'Secret', namespace, name });
      }),
    addFinalizer: (key, finalizer) => serialize(() => objects.addFinalizer(key, finalizer)),
    removeFinalizer: (key, finalizer) =>
      serialize(async () => {
        await objects.removeFinalizer(key, finalizer);
        restate(key);
      }),
    recordEvent: (key, event) => serialize(() => recordEvent(key, event)),
  };
}
