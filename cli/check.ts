import { setTimeout as delay } from 'node:timers/promises';
import { type GroupResult, judge, runChecks } from './check/check.ts';
import { type OutputFormat, render } from './check/output.ts';
import { hasKubeConfig } from './installation.ts';

export interface CheckOptions {
  readonly namespace: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Of a `chaperone up`; where given, that is what is checked. */
  readonly data?: string;
  readonly output: OutputFormat;
  readonly waitMs: number;
  readonly pre?: boolean;
  /** What an install needs, and whether to have a node pull it. */
  readonly image?: readonly string[];
  readonly pullImages?: boolean;
  readonly imagePullSecrets?: readonly string[];
  /** The only namespace that is looked into. */
  readonly in?: string;
}

const retryMs = 1_000;

/**
 * `chaperone check`: says what is right and wrong with an installation, and ends with exit code 1 where something has
 * failed. Warnings are no failures.
 */
export async function check(options: CheckOptions, environment: NodeJS.ProcessEnv, ownVersion: string): Promise<void> {
  const look = await chooseLook(options, environment, ownVersion);
  const deadlineMs = performance.now() + options.waitMs;
  let results = await look();
  let waitedFor: string | undefined;
  while (judge(results) === 'failed' && performance.now() + retryMs < deadlineMs) {
    const failure = firstFailure(results);
    if (failure !== waitedFor) process.stderr.write(`Waiting until ${failure} ...\n`);
    waitedFor = failure;
    await delay(retryMs);
    results = await look();
  }
  process.stdout.write(render(results, options.output, process.stdout));
  if (judge(results) === 'failed') process.exitCode = 1;
}

/** What is looked at, each part's code being loaded only where it is. */
async function chooseLook(
  { data, pre = false, in: scope, ...options }: CheckOptions,
  environment: NodeJS.ProcessEnv,
  ownVersion: string,
): Promise<() => Promise<readonly GroupResult[]>> {
  const { image: names = [], pullImages: pull = false, imagePullSecrets: pullSecrets = [] } = options;
  if (!pre && (names.length > 0 || pull || pullSecrets.length > 0)) {
    throw new Error(
      '--image, --pull-images and --image-pull-secrets go with --pre: they ask what an install would need',
    );
  }
  if (pre && scope !== undefined) throw new Error('--in looks at what is installed; it does not go with --pre');
  const wantsCluster = pre || scope !== undefined || options.kubeconfig !== undefined || options.context !== undefined;
  if (wantsCluster && data !== undefined) {
    throw new Error('--data checks a `chaperone up`; it does not go with --pre, --in, --kubeconfig or --context');
  }
  if (data === undefined && (wantsCluster || hasKubeConfig(environment))) {
    const { checkCluster } = await import('./check/cluster/run.ts');
    return () => checkCluster({ ...options, pre, scope, ownVersion, images: { names, pull, pullSecrets } });
  }
  const [{ gatherLocalFacts }, { localChecks }] = await Promise.all([
    import('./check/local/gather.ts'),
    import('./check/local/checks.ts'),
  ]);
  return async () => runChecks([localChecks], await gatherLocalFacts(data ?? '.chaperone'));
}

function firstFailure(results: readonly GroupResult[]): string | undefined {
  const checks = results.flatMap((group) => group.checks);
  return checks.find(({ finding }) => finding.status === 'failed')?.description;
}
