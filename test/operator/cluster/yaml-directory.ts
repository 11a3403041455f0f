import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import type { ObjectKey } from '../../../operator/cluster/cluster.ts';
import { type DirectoryCluster, type FileProblem, makeDirectoryCluster } from '../../../operator/cluster/directory.ts';

/** A directory of YAML with a cluster over it, both gone when the test ends. */
export interface YamlDirectory {
  readonly directory: string;
  readonly state: string;
  readonly environment: Record<string, string>;
  /** Writes a file; objects become its documents. */
  write(file: string, ...content: readonly (string | object)[]): Promise<void>;
  remove(file: string): Promise<void>;
  /**
   * Starts a cluster over the directory as it is now; one that ran before is closed.
   *
   * @param settleMs for so long an object must be missing before it counts as deleted
   */
  start(settleMs?: number): Promise<RunningCluster>;
}

export interface RunningCluster {
  readonly cluster: DirectoryCluster;
  /** What was announced so far. */
  readonly announced: readonly ObjectKey[];
  readonly found: readonly FileProblem[];
  readonly fixed: readonly FileProblem[];
  /** Resolves once the condition holds; it is looked at whenever something is announced, found or fixed. */
  until(condition: () => boolean): Promise<void>;
}

const patienceMs = 30_000;

export async function makeYamlDirectory(context: TestContext): Promise<YamlDirectory> {
  const root = await mkdtemp(join(tmpdir(), 'chaperone-directory-'));
  const directory = join(root, 'yaml');
  const state = join(root, 'state');
  const environment: Record<string, string> = {};
  await mkdir(directory);
  let running: RunningCluster | undefined;
  context.after(async () => {
    await running?.cluster.close();
    await rm(root, { recursive: true });
  });
  return {
    directory,
    state,
    environment,
    write: async (file, ...content) => {
      await mkdir(dirname(join(directory, file)), { recursive: true });
      const documents = content.map((document) => (typeof document === 'string' ? document : stringify(document)));
      await writeFile(join(directory, file), documents.join('\n---\n'));
    },
    remove: (file) => rm(join(directory, file)),
    start: async (settleMs) => {
      await running?.cluster.close();
      running = await startCluster(directory, state, environment, settleMs);
      return running;
    },
  };
}

async function startCluster(
  directory: string,
  stateDirectory: string,
  environment: Record<string, string>,
  settleMs: number | undefined,
): Promise<RunningCluster> {
  const announced: ObjectKey[] = [];
  const found: FileProblem[] = [];
  const fixed: FileProblem[] = [];
  const waiting = new Set<() => void>();
  const note = <T>(list: T[], item: T) => {
    list.push(item);
    for (const look of waiting) look();
  };
  const cluster = makeDirectoryCluster({
    directory,
    stateDirectory,
    environment,
    onProblem: (problem) => note(found, problem),
    onFixed: (solved) => {
      for (const problem of solved) note(fixed, problem);
    },
    ...(settleMs !== undefined && { settleMs }),
  });
  cluster.subscribe((key) => note(announced, key));
  await cluster.start();
  const until = (condition: () => boolean) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`Not so after ${patienceMs} ms: ${condition}`)), patienceMs);
      const look = () => {
        if (!condition()) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return { cluster, announced, found, fixed, until };
}

export function organization(name = 'acme', changes: object = {}): object {
  const spec = { namespaceSelector: {}, providers: [{ name: 'openai', type: 'openai' }], ...changes };
  return { apiVersion: 'chaperone.dev/v1alpha1', kind: 'Organization', metadata: { name }, spec };
}

export function persona(name: string, content = 'Help.', metadata: object = {}): object {
  return {
    apiVersion: 'chaperone.dev/v1alpha1',
    kind: 'Persona',
    metadata: { name, ...metadata },
    spec: { organizationRef: { name: 'acme' }, name, content },
  };
}
