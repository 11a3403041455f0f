import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { KubeConfig } from '@kubernetes/client-node';
import { freePort } from '../free-port.ts';
import { program } from '../program.ts';
import type { Scope } from '../scope.ts';
import { until } from '../until.ts';
import { governance } from './stage.ts';

/** `chaperone operator` in a process of its own, as in a pod. */
export interface OperatorProcess {
  readonly child: ChildProcess;
  /** Of what it has logged. */
  readonly messages: ReadonlySet<string>;
  /** What it answers; undefined where nobody does. */
  ask(
    path: '/healthz' | '/readyz' | '/metrics',
  ): Promise<{ readonly status: number; readonly text: string } | undefined>;
  /** Resolves once it logs this; rejects where it ends before. */
  untilLogged(message: string): Promise<void>;
  /** Sends a signal and waits until it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

export type StartOperatorProcess = (...args: string[]) => Promise<OperatorProcess>;

/** @returns starts an operator, more than one if asked to; all of them are killed at the end of the scope */
export async function makeOperatorStarter(
  scope: Scope,
  { kubeConfig, databaseUrl }: { readonly kubeConfig: KubeConfig; readonly databaseUrl: string },
): Promise<StartOperatorProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-operator-'));
  scope.after(() => rm(directory, { recursive: true }));
  const files = { kubeconfig: join(directory, 'kubeconfig'), databaseUrl: join(directory, 'database-url') };
  await writeFile(files.kubeconfig, kubeConfig.exportConfig(), { mode: 0o600 });
  await writeFile(files.databaseUrl, databaseUrl, { mode: 0o600 });
  return async (...args) => {
    const metricsPort = await freePort();
    const child = spawn(
      process.execPath,
      [
        ...[program(), 'operator', '--namespace', governance],
        ...['--kubeconfig', files.kubeconfig, '--database-url-file', files.databaseUrl],
        ...['--metrics-port', String(metricsPort), ...args],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const exited = once(child, 'exit');
    const messages = new Set<string>();
    createInterface({ input: child.stderr }).on('line', (line) => messages.add(messageOf(line)));
    const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
      child.kill(signal);
      await exited;
    };
    scope.after(() => end('SIGKILL'));
    return {
      child,
      messages,
      end,
      async ask(path) {
        const answer = await fetch(`http://127.0.0.1:${metricsPort}${path}`).catch(() => undefined);
        return answer && { status: answer.status, text: await answer.text() };
      },
      async untilLogged(message) {
        await until(() => {
          if (messages.has(message)) return true;
          if (child.exitCode === null && child.signalCode === null) return false;
          throw new Error(`The operator ended: ${[...messages].join('; ')}`);
        }, `"${message}" to be logged`);
      },
    };
  };
}

function messageOf(line: string): string {
  try {
    return JSON.parse(line).msg;
  } catch {
    return line;
  }
}
