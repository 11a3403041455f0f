import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { operatorNodeOptions } from '../../cli/local/kept-process.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { findFreePort, startChild, stopChild } from '../child.ts';
import { readCpuSeconds } from '../processor-time.ts';
import { readSamples, type Sample } from './metrics-text.ts';

/** The operator of the bundle in its own process, as in the image. */
export interface OperatorProcess {
  /** When it was started, by `performance.now()`. */
  readonly startedAtMs: number;
  /** Whether it has reconciled at least this many objects of each kind, and its queues are empty. */
  isSteady(atLeast: Readonly<Record<string, number>>): Promise<boolean>;
  /** Processor time since its start. */
  readCpuSeconds(): Promise<number>;
  /** Peak resident memory. */
  readPeakMemoryBytes(): Promise<number>;
  stop(): Promise<void>;
}

export interface OperatorOptions {
  readonly directory: string;
  readonly kubeConfigFile: string;
  readonly databaseUrl: string;
  /** Where to write a CPU profile when it ends. */
  readonly profileDirectory?: string | undefined;
  /** Options of Node in addition to those of the chart. */
  readonly nodeOptions?: readonly string[] | undefined;
}

const program = join(import.meta.dirname, '..', '..', 'dist', 'chaperone.js');
/** The operator's namespace belongs to no organization. */
export const operatorNamespace = 'chaperone-system';

export async function startOperatorProcess(
  { directory, kubeConfigFile, databaseUrl, profileDirectory, nodeOptions = [] }: OperatorOptions,
  { onEnd }: BenchmarkContext,
): Promise<OperatorProcess> {
  const databaseUrlFile = join(directory, 'database-url');
  await writeFile(databaseUrlFile, databaseUrl, { mode: 0o600 });
  const port = await findFreePort();
  const profiling = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const args = [
    ...['operator', '--namespace', operatorNamespace, '--kubeconfig', kubeConfigFile],
    ...['--database-url-file', databaseUrlFile, '--metrics-port', String(port), '--log-level', 'warn'],
    // As in the chart: with webhooks, certificates and the watch of pods.
    ...['--image', 'chaperone', '--webhook-port', String(await findFreePort())],
  ];
  const startedAtMs = performance.now();
  const child = startChild(process.execPath, [...operatorNodeOptions, ...nodeOptions, ...profiling, program, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const stop = () => stopChild(child);
  onEnd(stop);
  return {
    startedAtMs,
    async isSteady(atLeast) {
      if (child.exitCode !== null) throw new Error(`The operator ended with exit code ${child.exitCode}`);
      const metrics = await fetch(`http://127.0.0.1:${port}/metrics`).then(
        (response) => response.text(),
        () => '',
      );
      return isSteady(
        readSamples(metrics, ['controller_runtime_reconcile_total', 'controller_runtime_active_workers', depth]),
        atLeast,
      );
    },
    readCpuSeconds: () => readCpuSeconds(child.pid),
    readPeakMemoryBytes: async () => peakMemoryOf(await readFile(`/proc/${child.pid}/status`, 'utf8')),
    stop,
  };
}

const depth = 'workqueue_depth';

function isSteady(samples: readonly Sample[], atLeast: Readonly<Record<string, number>>): boolean {
  const sumOf = (name: string, controller?: string) =>
    samples
      .filter((sample) => sample.name === name && (controller ?? sample.labels.controller) === sample.labels.controller)
      .reduce((sum, { value }) => sum + value, 0);
  const enough = Object.entries(atLeast).every(
    ([controller, count]) => sumOf('controller_runtime_reconcile_total', controller) >= count,
  );
  return enough && sumOf(depth) === 0 && sumOf('controller_runtime_active_workers') === 0;
}

function peakMemoryOf(status: string): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error('This system does not tell the peak memory of a process');
  return Number(kibibytes) * 1_024;
}
