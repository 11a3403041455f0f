import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { makeDataDirectory } from '../directories.ts';
import { commandOf } from '../program.ts';
import { cliEnvironment, collect } from '../run-cli.ts';
import { atEnd, type Scope } from '../scope.ts';

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
  const more = options.arguments ?? [];
  const command = options.entry === undefined ? commandOf(...args, ...more) : [options.entry, ...args, ...more];
  const child = spawn(process.execPath, command, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...cliEnvironment,
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

async function firstLine(child: ChildProcess): Promise<string | undefined> {
  if (!child.stdout) return undefined;
  for await (const line of createInterface({ input: child.stdout })) return line;
  return undefined;
}
