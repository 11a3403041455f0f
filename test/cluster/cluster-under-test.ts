import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { parse } from 'yaml';
import { customKinds } from '../../crds/definition.ts';
import { customKindEntries } from '../../crds/kinds.generated.ts';
import { until } from '../until.ts';
import { type ApiServer, hasApiServer, startApiServer } from './api-server.ts';

export const assets = process.env.KUBEBUILDER_ASSETS;

/** Why a suite that needs an API server is skipped. */
export const skip = hasApiServer(assets)
  ? false
  : 'needs an API server: set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver';

export const log = pino({ level: process.env.CHAPERONE_TEST_LOG ?? 'silent' }, pino.destination(2));

/** An API server that knows our kinds. */
export async function startServerWithKinds(): Promise<ApiServer> {
  assert(assets);
  const server = await startApiServer(assets);
  try {
    for (const kind of customKinds) {
      const text = await readFile(join(import.meta.dirname, '../../crds', customKindEntries[kind].file), 'utf8');
      const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
      const { status, body } = await server.request('POST', path, parse(text));
      assert.equal(status, 201, JSON.stringify(body));
    }
    for (const kind of customKinds) {
      const path = `/apis/chaperone.dev/v1alpha1/${customKindEntries[kind].plural}`;
      await until(async () => (await server.request('GET', path)).status === 200, `${kind} to be served`);
    }
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** @param url where the server is reached instead, such as through a relay; its certificate is for any port */
export function kubeConfigOf({ url, ca, token }: ApiServer, via = url): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'test', server: via, caData: Buffer.from(ca).toString('base64') }],
    users: [{ name: 'test', token }],
    contexts: [{ name: 'test', cluster: 'test', user: 'test' }],
    currentContext: 'test',
  });
  return config;
}
