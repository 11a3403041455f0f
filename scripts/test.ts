// npm test [-- SUITE|FOLDER|FILE... and node's own test flags]
// With --times it says where the processor time went. Linux only.
// Of the fault matrix: --all tries every fault, --only=TEXT those that contain it, --publish writes docs/reliability.md.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Batch, toBatches } from './test/batches.ts';
import { type Stage, toStages } from './test/stages.ts';
import { describeTimes } from './test/times.ts';

interface Suite {
  readonly name: string;
  readonly needs: string;
  readonly available: boolean;
}

const { KUBEBUILDER_ASSETS, KUBECONFIG } = process.env;

/** Folders of test/ that a plain run skips where the machine lacks their requirements. */
const conditionalSuites: readonly Suite[] = [
  {
    name: 'cluster',
    needs: 'KUBEBUILDER_ASSETS (the folder of etcd and kube-apiserver) or KUBECONFIG',
    available: KUBEBUILDER_ASSETS !== undefined || KUBECONFIG !== undefined,
  },
  { name: 'e2e', needs: 'a cluster that runs pods', available: false },
  { name: 'clients', needs: 'a package registry, to install the clients', available: false },
];
const suiteNames = ['clients', 'cluster', 'e2e', 'faults'];

/** The test files that an argument selects. Undefined for one of node's own flags. */
function toPattern(arg: string): string | undefined {
  // All other tests of faults are part of a plain run.
  if (arg === 'faults') return 'test/faults/matrix/{matrix,planted-secrets}.test.ts';
  if (suiteNames.includes(arg)) return `test/${arg}/**/*.test.ts`;
  if (statSync(arg, { throwIfNoEntry: false })?.isDirectory()) return `${arg}/**/*.test.ts`;
  return arg.endsWith('.ts') ? arg : undefined;
}

function selectDefaultFiles(): string[] {
  const excluded = conditionalSuites.filter(({ name, available }) => {
    return !available && globSync(`test/${name}/**/*.test.ts`).length > 0;
  });
  for (const { name, needs } of excluded) {
    process.stderr.write(`Skipped: test/${name}, which needs ${needs}. To run it: npm run test:${name}\n`);
  }
  const patterns = excluded.map(({ name }) => `test/${name}/**`);
  return globSync('test/**/*.test.ts', { exclude: [...patterns, ...faultMatrix] });
}

/** Takes minutes alone, so that only its own suite has it. */
const faultMatrix = ['matrix', 'planted-secrets'].map((name) => `test/faults/matrix/${name}.test.ts`);

/** Tells the fault matrix what to try. */
function readFaultOptions(args: readonly string[]): NodeJS.ProcessEnv {
  const only = args.find((arg) => arg.startsWith('--only='))?.slice('--only='.length);
  return {
    ...(args.includes('--all') && { CHAPERONE_FAULTS: 'all' }),
    ...(args.includes('--publish') && { CHAPERONE_FAULTS_PUBLISH: '1' }),
    ...(only !== undefined && { CHAPERONE_FAULTS_ONLY: only }),
  };
}

const isOwnFlag = (arg: string) => ['--times', '--all', '--publish'].includes(arg) || arg.startsWith('--only=');

/**
 * Writes a module for each batch. Node's flags apply to files, so with flags each file runs by itself.
 *
 * Node's runner begins with what comes first in the alphabet, so the names have the order of the batches.
 */
function writeBatches(directory: string, files: readonly string[], flags: readonly string[]): string[] {
  if (flags.length > 0) return files.toSorted();
  const nameOf = (index: number) => `batch-${String(index).padStart(4, '0')}.mjs`;
  return toBatches(files).map((batch, index) => writeBatch(join(directory, nameOf(index)), batch));
}

function writeBatch(path: string, batch: Batch): string {
  const runner = JSON.stringify(resolve('test/batch.ts'));
  const files = JSON.stringify(batch.map((file) => resolve(file)));
  writeFileSync(path, `import { runBatch } from ${runner};\nrunBatch(${files});\n`);
  return path;
}

interface RunOptions {
  /** Node's. */
  readonly flags: readonly string[];
  /** Whether to tell where the processor time went. */
  readonly isTimed: boolean;
}

/** @returns the exit code */
async function runTests(files: readonly string[], options: RunOptions): Promise<number> {
  let isInterrupted = false;
  let running: ChildProcess | undefined;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      isInterrupted = true;
      // SIGTERM makes the runner stop its Postgres. Ctrl-C reaches the runner by itself.
      if (signal !== 'SIGINT') running?.kill('SIGTERM');
    });
  }
  const codes: number[] = [];
  for (const stage of toStages(files)) {
    const directory = mkdtempSync(join(tmpdir(), 'chaperone-test-batches-'));
    running = startRunner(directory, stage, options);
    const [code] = await once(running, 'exit');
    if (options.isTimed) process.stdout.write(describeTimes(join(directory, 'times')));
    rmSync(directory, { recursive: true });
    codes.push(code ?? 1);
    if (isInterrupted) return 1;
  }
  return Math.max(...codes);
}

function startRunner(directory: string, stage: Stage, { flags, isTimed }: RunOptions): ChildProcess {
  return spawn(
    process.execPath,
    [
      '--test',
      '--test-reporter=spec',
      '--import=./test/watchdog.ts',
      '--test-global-setup=test/setup.ts',
      `--test-concurrency=${stage.concurrency}`,
      ...flags,
      ...writeBatches(directory, stage.files, flags),
    ],
    {
      stdio: 'inherit',
      env: { ...process.env, ...(isTimed && { CHAPERONE_TEST_TIMES: join(directory, 'times') }) },
    },
  );
}

process.chdir(dirname(import.meta.dirname));
Object.assign(process.env, readFaultOptions(process.argv));
const args = process.argv.slice(2).filter((arg) => !isOwnFlag(arg));
const patterns = args.map(toPattern).filter((pattern) => pattern !== undefined);
const files = patterns.length > 0 ? globSync(patterns) : selectDefaultFiles();
if (files.length === 0) {
  process.stderr.write(`There are no tests in ${patterns.join(', ') || 'test'}.\n`);
  process.exitCode = 1;
} else {
  const flags = args.filter((arg) => toPattern(arg) === undefined);
  process.exitCode = await runTests(files, { flags, isTimed: process.argv.includes('--times') });
}
