import { join } from 'node:path';
import { proxyNodeOptions } from '../../cli/local/kept-process.ts';
import { objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';
import { credentialsSecretName, syntheticKeySecretName } from '../../operator/credentials.ts';
import { startSandbox } from '../../sandbox/server.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { nextMessage, plainEnvironment, startChild, startNode, stopChild } from '../child.ts';
import { writeSecret } from '../scale/secret-files.ts';
import { change, type EffectSite, revokedKey } from './effect.ts';
import { readLines } from './lines.ts';
import { organizationName, selected } from './objects.ts';
import { places } from './places.ts';
import { untilTrue } from './wait.ts';

const program = join(import.meta.dirname, '..', '..', 'dist', 'chaperone.js');
const poll = join(import.meta.dirname, 'pod', 'poll.mjs');

/**
 * A proxy of the bundle on this machine, with the Secret that a pod of the namespace would mount, and a program that calls
 * through it. What a pod has besides are the kubelet and its network, neither of which a change goes through.
 */
export async function openSiteHere(
  client: ApiClient,
  directory: string,
  loadNamespace: string,
  context: BenchmarkContext,
): Promise<EffectSite> {
  for (const name of [places.app, places.moving]) {
    await client.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name, labels: selected } } });
  }
  const sandbox = await startSandbox({ port: 0 });
  context.onEnd(() => sandbox.close());
  let baseUrl: Promise<string> | undefined;
  return {
    client,
    load: { namespace: loadNamespace, isThere: true },
    change: (path, patch) => change(client, path, patch),
    async watch(name, personaId) {
      baseUrl ??= startProxyHere(client, directory, sandbox.url, context);
      const key = await readSecret(client, syntheticKeySecretName(revokedKey));
      const child = startChild(process.execPath, [poll], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...plainEnvironment,
          ...{ OPENAI_BASE_URL: await baseUrl, OPENAI_API_KEY: key['api-key'] },
          ...(personaId !== undefined && { PERSONA_ID: personaId }),
        },
      });
      const stop = () => stopChild(child);
      context.onEnd(stop);
      if (!child.stdout) throw new Error('The program that calls prints nothing');
      return readLines(name, child.stdout, stop);
    },
  };
}

async function startProxyHere(
  client: ApiClient,
  directory: string,
  upstreamUrl: string,
  { onEnd }: BenchmarkContext,
): Promise<string> {
  const credentials = join(directory, 'credentials');
  const secret = { namespace: places.app, name: credentialsSecretName(organizationName) };
  await readSecret(client, secret.name);
  await writeSecret(client, secret, credentials);
  const args = ['proxy', '--credentials', credentials, '--data', join(directory, 'proxy'), '--upstream', upstreamUrl];
  const rest = ['--port', '0', '--metrics-host', '127.0.0.1', '--metrics-port', '0', '--log-level', 'warn'];
  const child = startNode(program, [...args, ...rest, '--pod-namespace', places.app], proxyNodeOptions);
  onEnd(() => stopChild(child));
  const message = await nextMessage<{ type: string; message?: string; port: number }>(child);
  if (message.type !== 'ready') throw new Error(`The proxy cannot start: ${message.message}`);
  return `http://127.0.0.1:${message.port}/v1`;
}

/** Reads a Secret of the applications' namespace, once it is there. */
async function readSecret(client: ApiClient, name: string): Promise<Record<string, string>> {
  const path = objectPath({ kind: 'Secret', namespace: places.app, name });
  let data: Readonly<Record<string, string>> | undefined;
  await untilTrue(async () => {
    const secret = await client.send<{ data?: Record<string, string> }>({ method: 'GET', path }).catch(() => undefined);
    data = secret?.data;
    return data !== undefined;
  }, `the Secret ${name}`);
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64').toString()]),
  );
}
