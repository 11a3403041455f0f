import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toFullName } from '../../cli/check/cluster/images.ts';
import { type RunOptions, run } from './run.ts';

/** The source of an image: a Dockerfile where there is Docker, else `parts` for the test cluster. */
export interface ImageSource {
  readonly name: string;
  /** Arguments for the test cluster's `image` command. */
  readonly parts: readonly string[];
  /** Absent: users' clusters pull the image. */
  readonly dockerfile?: { readonly file: string; readonly context: string };
}

/** A cluster to install the product in, with the programs for it. */
export interface Target {
  readonly kubectlPath: string;
  /** The environment for kubectl and helm. */
  readonly env: Readonly<Record<string, string>>;
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  helm(args: readonly string[], options?: RunOptions): Promise<string>;
  loadImage(source: ImageSource): Promise<void>;
  /** Gives an image that was loaded another name besides. */
  tagImage(name: string, alias: string): Promise<void>;
  /** Removes the cluster. Undefined where cluster:up did not make it. */
  readonly remove: (() => Promise<void>) | undefined;
  /** The lines that a shell needs before kubectl and helm work. */
  readonly shellLines: readonly string[];
}

export const repository = dirname(dirname(import.meta.dirname));
const testCluster = join(dirname(repository), 'shared', 'cluster');

/**
 * Opens the test cluster, and starts it if needed, where the machine has one and KUBECONFIG names no other. Otherwise
 * opens the current context.
 */
export async function openTarget(environment: NodeJS.ProcessEnv): Promise<Target> {
  if (!(await exists(join(testCluster, 'up')))) return openCurrentContext(environment);
  const settings = await run('bash', [
    '-c',
    '. "$0" && echo "$BIN" && echo "$KUBECONFIG"',
    join(testCluster, 'lib.sh'),
  ]);
  const [binaries = '', kubeconfig = ''] = settings.split('\n');
  if (environment.KUBECONFIG !== undefined && environment.KUBECONFIG !== kubeconfig) {
    return openCurrentContext(environment);
  }
  await run(join(testCluster, 'up'), []);
  return testClusterTarget(binaries, kubeconfig);
}

function testClusterTarget(binaries: string, kubeconfig: string): Target {
  const env = { KUBECONFIG: kubeconfig };
  const kubectlPath = join(binaries, 'kubectl');
  return {
    kubectlPath,
    env,
    kubectl: (args, options) => run(kubectlPath, args, { ...options, env }),
    helm: (args, options) => run(join(binaries, 'helm'), args, { ...options, env }),
    loadImage: async ({ name, parts }) => void (await run(join(testCluster, 'image'), [name, ...parts])),
    tagImage: async (name, alias) => {
      const settings = join(testCluster, 'lib.sh');
      const tag = '. "$0" && ctr images tag --force "$1" "$2"';
      await run('bash', ['-c', tag, settings, toFullName(name), toFullName(alias)]);
    },
    remove: async () => void (await run(join(testCluster, 'down'), [])),
    shellLines: [`export KUBECONFIG=${kubeconfig}`, `export PATH=${binaries}:$PATH`],
  };
}

async function openCurrentContext(environment: NodeJS.ProcessEnv): Promise<Target> {
  const context = await run('kubectl', ['config', 'current-context']).catch((cause: unknown) => {
    throw new Error('There is no cluster: kubectl has no current context. `kind create cluster` makes one.', { cause });
  });
  return {
    kubectlPath: 'kubectl',
    env: environment.KUBECONFIG === undefined ? {} : { KUBECONFIG: environment.KUBECONFIG },
    kubectl: (args, options) => run('kubectl', args, options),
    helm: (args, options) => run('helm', args, options),
    loadImage: async ({ name, dockerfile }) => {
      if (!dockerfile) return;
      await run('docker', ['build', '--tag', name, '--file', dockerfile.file, dockerfile.context]);
      if (!context.startsWith('kind-')) {
        throw new Error(`Images can be loaded into kind's clusters, and the current context is "${context}".`);
      }
      await run('kind', ['load', 'docker-image', name, '--name', context.slice('kind-'.length)]);
    },
    tagImage: async (name, alias) => {
      await run('docker', ['tag', name, alias]);
      await run('kind', ['load', 'docker-image', alias, '--name', context.slice('kind-'.length)]);
    },
    remove: undefined,
    shellLines: [],
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
