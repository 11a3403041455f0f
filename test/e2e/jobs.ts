import type { CallOutcome } from './cluster.ts';
import { apply, kubectl, parseOutcomes, podTemplate, type WorkloadOptions } from './cluster.ts';

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

export async function untilComplete(namespace: string): Promise<void> {
  await kubectl('wait', '--namespace', namespace, '--for=condition=Complete', 'job/calls', '--timeout=120s');
}
