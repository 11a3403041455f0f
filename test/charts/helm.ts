import { execFile, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';

export const repository = join(import.meta.dirname, '..', '..');
export const chart = join(repository, 'charts', 'chaperone');

/** Helm 4, of the PATH or of the test cluster's programs; undefined where there is none. */
export const helm = ['helm', ...globSync(join(homedir(), '.cache/k8s-test-cluster/*/bin/helm'))].find(
  (program) => spawnSync(program, ['version']).status === 0,
);

/** For a suite's options: why it is skipped, if it is. */
export const skip = helm === undefined && 'helm is not installed; with it, run: npm test -- test/charts';

/** Runs helm. @throws where it fails, with its standard error in `stderr` */
export async function runHelm(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(helm ?? 'helm', args, { maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

/** Renders the chart as `helm install chaperone --namespace chaperone-system` would. */
export function render(...args: string[]): Promise<string> {
  return runHelm('template', 'chaperone', chart, '--namespace', 'chaperone-system', ...args);
}

/** A rendered object, as far as tests look into it. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export function parseRendered(yaml: string): Rendered[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}
