import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type RunOptions, run } from './run.ts';

/** What an image is made of: by a Dockerfile where there is Docker, else by `parts` for the test cluster. */
export interface ImageSource {
  readonly name: string;
  /** In the terms of the test cluster's `image` command. */
  readonly parts: readonly string[];
  /** Absent: users' clusters pull the image. */
  readonly dockerfile?: { readonly file: string; readonly context: string };
}

/** A cluster to put the product into, and the programs for that. */
export interface Target {
  readonly kubectlPath: string;
  /** What kubectl and helm need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  helm(args: readonly string[], options?: RunOptions): Promise<string>;
  loadImage(source: ImageSource): Promise<void>;
  /** Takes the cluster itself away; undefined where it is not ours. */
  readonly remove: (() => Promise<void>) | undefined;
  /** What a shell needs before kubectl and helm work in it. */
  readonly shellLines: readonly string[];
}

export const repository = dirname(dirname(import.meta.dirname));
const testCluster = join(dirname(repository), 'shared', 'cluster');

/** The test cluster, brought up if need be, where the machine has one and KUBECONFIG names no other; else the current one. */
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
