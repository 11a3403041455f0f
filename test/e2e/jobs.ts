import assert from 'node:assert/strict';
import { until } from '../until.ts';
import type { CallOutcome } from './cluster.ts';
import { apply, kubectl, parseOutcomes, podTemplate, type WorkloadOptions } from './cluster.ts';

/** So many calls that they end when enough has been seen. */
export const endless = 1_000_000;

/** Starts a Job whose pod makes calls, one after another. */
export async function startCalls(
  namespace: string,
  count: number,
  body: object,
  options: object = {},
  pod: WorkloadOptions = {},
): Promise<void> {
  const request = { model: 'gpt-4o', input: 'Hi', ...body };
  const args = ['/app/e2e/workload.mjs', String(count), JSON.stringify(request), JSON.stringify(options)];
  await apply(namespace, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'calls' },
    spec: { backoffLimit: 0, template: podTemplate(args, pod) },
  });
}

/** What its calls have come to until now; none while its pod starts. */
export async function readCalls(namespace: string): Promise<CallOutcome[]> {
  const log = await kubectl('logs', '--namespace', namespace, 'job/calls', '--container=app').catch(() => '');
  return parseOutcomes(log);
}

/** Waits until so many more calls have been answered. */
export async function untilAnswered(namespace: string, count: number): Promise<void> {
  const countAnswered = async () => (await readCalls(namespace)).filter(({ id }) => id !== undefined).length;
  const enough = (await countAnswered()) + count;
  await until(async () => (await countAnswered()) >= enough, `${count} more calls to be answered`, 180_000);
}

/** Has the Job make no more calls, and complete. @returns what all of them have come to */
export async function endCalls(namespace: string): Promise<CallOutcome[]> {
  const signal = "process.kill(1, 'SIGUSR2')";
  await kubectl('exec', '--namespace', namespace, 'job/calls', '--container=app', '--', 'node', '-e', signal);
  await untilComplete(namespace);
  const outcomes = await readCalls(namespace);
  const prefix = outcomes[0]?.session.replace(/1$/, '') ?? '';
  assert.deepEqual(
    outcomes.map(({ session }) => session),
    outcomes.map((_, index) => `${prefix}${index + 1}`),
    'the log has every call',
  );
  return outcomes;
}

export async function untilComplete(namespace: string): Promise<void> {
  await kubectl('wait', '--namespace', namespace, '--for=condition=Complete', 'job/calls', '--timeout=180s');
}
