import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { customKinds } from '../../crds/definition.ts';
import { customKindEntries } from '../../crds/kinds.generated.ts';
import { collectionPath } from '../../operator/cluster/kubernetes/resources.ts';
import { type ApiClient, makeApiClient } from '../../operator/cluster/kubernetes.ts';
import { type ApiServer, hasApiServer, startApiServer } from '../../test/cluster/api-server.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { untilTrue } from './wait.ts';

/** An API server with our kinds, but without controllers and nodes. */
export interface ControlPlane {
  readonly client: ApiClient;
  /** The operator's kubeconfig. */
  readonly kubeConfigFile: string;
  /** The API server's own metrics, in Prometheus' text form. */
  readMetrics(): Promise<string>;
}

/** @throws where `KUBEBUILDER_ASSETS` names no folder with etcd and kube-apiserver */
export async function startControlPlane(directory: string, { onEnd }: BenchmarkContext): Promise<ControlPlane> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (!hasApiServer(assets)) {
    throw new Error('It needs an API server: set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver');
  }
  const server = await startApiServer(assets);
  onEnd(() => server.close());
  const kubeConfig = kubeConfigOf(server);
  const client = makeApiClient({ kubeConfig });
  onEnd(() => client.close());
  await installKinds(server);
  const kubeConfigFile = join(directory, 'kubeconfig');
  await writeFile(kubeConfigFile, kubeConfig.exportConfig(), { mode: 0o600 });
  return {
    client,
    kubeConfigFile,
    async readMetrics() {
      const { body } = await server.request('GET', '/metrics');
      return body.message ?? '';
    },
  };
}

function kubeConfigOf({ url, ca, token }: ApiServer): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'bench', server: url, caData: Buffer.from(ca).toString('base64') }],
    users: [{ name: 'bench', token }],
    contexts: [{ name: 'bench', cluster: 'bench', user: 'bench' }],
    currentContext: 'bench',
  });
  return config;
}

async function installKinds(server: ApiServer): Promise<void> {
  for (const kind of customKinds) {
    const text = await readFile(join(import.meta.dirname, '../../crds', customKindEntries[kind].file), 'utf8');
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const { status, body } = await server.request('POST', path, parse(text));
    if (status !== 201) throw new Error(`The API server refuses the definition of ${kind}: ${JSON.stringify(body)}`);
  }
  for (const kind of customKinds) {
    const isServed = async () => (await server.request('GET', collectionPath(kind))).status === 200;
    await untilTrue(isServed, `${kind} to be served`);
  }
}
