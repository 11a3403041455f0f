import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { statePaths } from '../../cli/local/state.ts';
import { layDatabase } from '../database.ts';
import { program } from '../program.ts';

export const repository = join(import.meta.dirname, '..', '..');

/** What `chaperone up --json` prints when it is ready. */
export interface Ready {
  readonly organizations: readonly {
    readonly name: string;
    readonly baseUrl: string;
    readonly metricsUrl: string;
    readonly token: string;
  }[];
  readonly databaseUrl: string;
  readonly upstream: string;
  readonly pid: number;
}

export interface RunningUp {
  readonly ready: Ready;
  readonly process: ChildProcess;
  readonly data: string;
  readonly directory: string;
  /** What it has written on standard error so far. */
  errors(): string;
  /** Ends it by SIGTERM and resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Whatever can be told what to do at its end: a test's context, or a suite. */
export interface Scope {
  after(release: () => Promise<unknown>): void;
}

/** For a suite, called in its body: what its `before` makes is released after its last test, the last made first. */
export function suiteScope(): Scope {
  const releasers: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const release of releasers.reverse()) await release();
  });
  return { after: (release) => void releasers.push(release) };
}

const releasersOf = new WeakMap<Scope, (() => Promise<unknown>)[]>();

/** Of what is released so at the end of a scope, the last made is the first: what writes into a directory goes before it. */
export function atEnd(scope: Scope, release: () => Promise<unknown>): void {
  const known = releasersOf.get(scope);
  if (known) {
    known.push(release);
    return;
  }
  const releasers = [release];
  releasersOf.set(scope, releasers);
  scope.after(async () => {
    for (const next of releasers.reverse()) await next();
  });
}

/** A copy of the quickstart that a test may edit. */
export async function copyQuickstart(scope: Scope): Promise<string> {
  const directory = await makeDirectory(scope);
  await cp(join(repository, 'examples', 'quickstart'), directory, { recursive: true });
  return directory;
}

/**
 * Edits a file under a running operator in one step. Whoever is held up between emptying a file and filling it deletes
 * what it stated.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}~`, text);
  await rename(`${path}~`, path);
}

export async function makeDirectory(scope: Scope): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-up-'));
  atEnd(scope, () => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** A data directory for `chaperone up` in which a database lies already. */
export async function makeDataDirectory(scope: Scope): Promise<string> {
  const data = await makeDirectory(scope);
  await layDatabase(statePaths(data).postgres);
  return data;
}

/** Runs a command of the CLI to its end. */
export async function runCli(
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const env = { ...environment, ...more };
  const child = spawn(process.execPath, [program(), ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [code] = await once(child, 'close');
  return { code, stdout: stdout(), stderr: stderr() };
}

export interface UpOptions {
  readonly directory: string;
  /** Absent: a new one, in which a database lies already. */
  readonly data?: string;
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Absent: the program as the image has it. */
  readonly entry?: string;
}

/** Starts `chaperone up` on free ports, as a script would, and stops it after the test. */
export async function startUp(scope: Scope, options: UpOptions): Promise<RunningUp> {
  const data = options.data ?? (await makeDataDirectory(scope));
  const args = ['up', options.directory, '--json', '--port', '0', '--metrics-port', '0', '--data', data];
  const entry = options.entry ?? program();
  const child = spawn(process.execPath, [entry, ...args, ...(options.arguments ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environment,
      // What is compiled of the source is of use to every run.
      ...(options.entry === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE }),
      ...options.environment,
    },
  });
  const errors = collect(child.stderr);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    return child.exitCode;
  };
  atEnd(scope, stop);
  const line = await firstLine(child);
  if (line === undefined) throw new Error(`chaperone up ended before it was ready:\n${errors()}`);
  return { ready: JSON.parse(line) as Ready, process: child, data, directory: options.directory, errors, stop };
}

/** The only organization of a run. */
export function onlyOrganization({ ready }: RunningUp): Ready['organizations'][number] {
  const [organization] = ready.organizations;
  if (!organization || ready.organizations.length > 1) throw new Error('One organization was expected');
  return organization;
}

/** Nothing of the person's own: an OPENAI_API_KEY would send the tests' calls to OpenAI. */
const environment = {
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? '',
  NODE_COMPILE_CACHE: process.env.CHAPERONE_TEST_COMPILE_CACHE ?? process.env.NODE_COMPILE_CACHE ?? '',
};

async function firstLine(child: ChildProcess): Promise<string | undefined> {
  if (!child.stdout) return undefined;
  for await (const line of createInterface({ input: child.stdout })) return line;
  return undefined;
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
