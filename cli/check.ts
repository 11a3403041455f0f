import { setTimeout as delay } from 'node:timers/promises';
import { type GroupResult, judge, runChecks } from './check/check.ts';
import { type OutputFormat, render } from './check/output.ts';
import { hasKubeConfig } from './installation.ts';

export interface CheckOptions {
  readonly namespace: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  /** The data directory of a `chaperone up`. If given, that is checked. */
  readonly data?: string;
  readonly output: OutputFormat;
  readonly waitMs: number;
  readonly pre?: boolean;
  /** The images that an install needs. */
  readonly image?: readonly string[];
  readonly pullImages?: boolean;
  readonly imagePullSecrets?: readonly string[];
  /** The only namespace that is checked. */
  readonly in?: string;
}

const retryMs = 1_000;

/**
 * `chaperone check`: reports what is right and wrong with an installation. The exit code is 1 if a check failed; a
 * warning is not a failure.
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

/** Chooses what to check, and loads only the code for it. */
async function chooseLook(
  { data, pre = false, in: scope, ...options }: CheckOptions,
  environment: NodeJS.ProcessEnv,
  ownVersion: string,
): Promise<() => Promise<readonly GroupResult[]>> {
  const { image: names = [], pullImages: pull = false, imagePullSecrets: pullSecrets = [] } = options;
  if (!pre && (names.length > 0 || pull || pullSecrets.length > 0)) {
    throw new Error('--image, --pull-images and --image-pull-secrets need --pre: they are about what an install needs');
  }
  if (pre && scope !== undefined) throw new Error('--in checks an installation, so it does not go with --pre');
  const wantsCluster = pre || scope !== undefined || options.kubeconfig !== undefined || options.context !== undefined;
  if (wantsCluster && data !== undefined) {
    throw new Error('--data checks a `chaperone up`, so it does not go with --pre, --in, --kubeconfig or --context');
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
