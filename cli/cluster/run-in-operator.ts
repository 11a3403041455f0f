import { PassThrough } from 'node:stream';
import { Exec, type V1Pod, type V1Status } from '@kubernetes/client-node';
import { makeApiClient } from '../../operator/cluster/kubernetes/api-client.ts';
import { loadKubeConfig } from '../check/cluster/target.ts';
import { describeError } from '../check/describe-error.ts';
import type { ClusterInstallation } from '../installation.ts';
import { endOfInput } from '../read-input.ts';

const operatorLabels = 'app.kubernetes.io/name=chaperone,app.kubernetes.io/component=operator';
// The operator is in the same container: a command that needs more memory ends, and not the operator.
const program = ['node', '--max-old-space-size=96', '/app/chaperone.js'];

/** The pod and the container in which a command runs. */
interface Place {
  readonly pod: string;
  readonly container: string;
  /** As the container sees it. */
  readonly databaseUrlFile: string;
}

/**
 * Runs a command of this program in a pod of the operator, which reaches the database and has its URL. The caller's own
 * rights apply. Prints what the command prints.
 *
 * @param options.output gets what the command prints. Absent: standard output
 * @param options.signal ends it
 * @param input what the command reads from standard input (read-input.ts). Absent: nothing
 * @returns its exit code
 * @throws Error where no such pod is ready, or the caller may not execute commands in it
 */
export async function runInOperator(
  installation: ClusterInstallation,
  command: readonly string[],
  input?: string,
  { output = process.stdout, signal }: { readonly output?: NodeJS.WritableStream; readonly signal?: AbortSignal } = {},
): Promise<number> {
  const { namespace, ...target } = installation;
  const kubeConfig = loadKubeConfig(target);
  const client = makeApiClient({ kubeConfig, requestTimeoutMs: 10_000 });
  let place: Place;
  try {
    const { items } = await client.send<{ items: readonly V1Pod[] }>({
      method: 'GET',
      path: `/api/v1/namespaces/${namespace}/pods`,
      query: { labelSelector: operatorLabels },
    });
    place = findPlace(items, namespace);
  } catch (error) {
    throw new Error(describeError(error), { cause: error });
  } finally {
    await client.close();
  }
  const { pod, container, databaseUrlFile } = place;
  const line = [...program, ...command, '--database-url-file', databaseUrlFile];
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  stdout.pipe(output, { end: false });
  stderr.pipe(process.stderr, { end: false });
  const stdin = input === undefined ? null : new PassThrough();
  let status: V1Status | undefined;
  try {
    const socket = await new Exec(kubeConfig).exec(
      ...([namespace, pod, container, line, stdout, stderr, stdin, false] as const),
      (answer) => {
        status = answer;
      },
    );
    // Older API servers cannot pass on the end of an input: they would end the command with it.
    stdin?.write(`${input}\n${endOfInput}\n`);
    signal?.addEventListener('abort', () => socket.close(), { once: true });
    await new Promise<void>((resolve) => socket.addEventListener('close', () => resolve()));
  } catch (error) {
    throw new Error(`${describeExec(error)} (pod "${pod}" in namespace "${namespace}")`, { cause: error });
  }
  return exitCodeOf(status);
}

/** Finds a pod that is ready, and the database URL file with which its operator was started. */
export function findPlace(pods: readonly V1Pod[], namespace: string): Place {
  for (const { metadata, spec, status } of pods) {
    const isReady = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True');
    if (!isReady || metadata?.deletionTimestamp) continue;
    for (const { name, args = [] } of spec?.containers ?? []) {
      const [, file] = /^--database-url-file=(.+)$/m.exec(args.join('\n')) ?? [];
      if (file !== undefined) return { pod: metadata?.name ?? '', container: name, databaseUrlFile: file };
    }
  }
  throw new Error(
    `Namespace "${namespace}" has no operator that is ready. Name its namespace with --namespace, or run \`chaperone check\``,
  );
}

function describeExec(error: unknown): string {
  const text = describeError(error);
  return /40[13]/.test(text)
    ? 'You may not execute commands in the operator’s pods: you need get and create on pods/exec'
    : `The command could not be run: ${text}`;
}

/** @see https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.30/#statuscause-v1-meta */
function exitCodeOf(status: V1Status | undefined): number {
  if (status?.status === 'Success') return 0;
  const cause = status?.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  return Number(cause?.message ?? 1) || 1;
}
