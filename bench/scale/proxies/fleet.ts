import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startNode, stopChild } from '../../child.ts';
import { readSamples } from '../../cluster/metrics-text.ts';
import { untilTrue } from '../../cluster/wait.ts';
import type { PartContext } from '../part.ts';
import type { MemberOrganization } from './installation.ts';
import type { GroupMessage, InForce, ProxyOrder, ServingProxy } from './messages.ts';

/** Many proxies in a few processes. */
export interface Fleet {
  readonly proxies: readonly ServingProxy[];
  /** What has come into force so far, in order of arrival. */
  readonly inForce: readonly InForce[];
  /** What the proxies have warned of, with how often. */
  readonly warnings: ReadonlyMap<string, number>;
  readonly startedMs: number;
  /** Of their processes. */
  readonly pids: readonly number[];
  /** Sums a metric over all proxies. */
  sum(metric: string): Promise<number>;
}

const perProcess = 100;

/** Starts so many proxies, the organizations in turn. */
export async function startFleet(
  organizations: readonly Pick<MemberOrganization, 'name' | 'credentialsDirectory'>[],
  count: number,
  upstreamUrl: string,
  { directory, onEnd }: PartContext,
): Promise<Fleet> {
  const orders: ProxyOrder[] = [];
  for (let number = 0; number < count; number += 1) {
    const organization = organizations[number % organizations.length];
    if (!organization) throw new Error('There is no organization');
    const { name, credentialsDirectory } = organization;
    const dataDirectory = join(directory, 'proxies', `${number}`);
    await mkdir(dataDirectory, { recursive: true });
    orders.push({ name, number, credentialsDirectory, dataDirectory });
  }
  const inForce: InForce[] = [];
  const warnings = new Map<string, number>();
  const hear = (message: GroupMessage) => {
    if (message.type === 'in-force') inForce.push(message);
    else if (message.type === 'warning') warnings.set(message.text, (warnings.get(message.text) ?? 0) + 1);
  };
  const startedAtMs = performance.now();
  const groups = Array.from({ length: Math.ceil(count / perProcess) }, (_, index) =>
    orders.slice(index * perProcess, (index + 1) * perProcess),
  );
  const pids: number[] = [];
  const ready = await Promise.all(
    groups.map(async (proxies) => {
      const child = startNode(join(import.meta.dirname, 'group.ts'), []);
      onEnd(() => stopChild(child));
      if (child.pid !== undefined) pids.push(child.pid);
      const serving = Promise.withResolvers<readonly ServingProxy[]>();
      child.on('message', (message: GroupMessage) =>
        message.type === 'ready' ? serving.resolve(message.proxies) : hear(message),
      );
      child.once('exit', (code) => serving.reject(new Error(`A process with proxies ended with exit code ${code}`)));
      child.send({ upstreamUrl, proxies });
      return serving.promise;
    }),
  );
  const proxies = ready.flat();
  return {
    ...{ proxies, inForce, warnings, pids, startedMs: performance.now() - startedAtMs },
    async sum(metric) {
      const texts = await Promise.all(
        proxies.map(async ({ metricsPort }) => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()),
      );
      return texts.flatMap((text) => readSamples(text, [metric])).reduce((sum, { value }) => sum + value, 0);
    },
  };
}

/** Resolves when each proxy of an organization has a configuration in force that it had not before. */
export async function untilInForce(fleet: Fleet, from: number, count: number): Promise<ReadonlyMap<number, InForce>> {
  const first = new Map<number, InForce>();
  let read = from;
  await untilTrue(() => {
    for (; read < fleet.inForce.length; read += 1) {
      const message = fleet.inForce[read];
      if (message && !first.has(message.number)) first.set(message.number, message);
    }
    return first.size === count;
  }, `a change to reach ${count} proxies`);
  return first;
}
