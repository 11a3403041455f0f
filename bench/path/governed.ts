import type { ChildProcess } from 'node:child_process';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseDocument } from 'yaml';
import { proxyNodeOptions } from '../../cli/local/kept-process.ts';
import { credentialsSecretName, operatorNamespace } from '../../operator/credentials.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { findFreePort, nextMessage, startChild, startNode, stopChild } from '../child.ts';
import { readProcessorMs } from '../processor-time.ts';
import { untilAnswered } from './http.ts';

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'dist', 'chaperone.js');
const resources = join(root, 'examples', 'quickstart');
const personaName = 'Support Agent';

/** A running Chaperone: a PostgreSQL with default settings, the operator over the quickstart. */
export interface Installation {
  readonly databaseUrl: string;
  readonly token: string;
  readonly personaId: string;
  readonly postgresPid: number;
  /** The folder with the credentials of the organization's proxies. */
  readonly credentials: string;
  stop(): Promise<void>;
  /** The program's arguments that start a proxy for the organization. */
  proxyArguments(options: { data: string; metricsPort?: number }): string[];
}

interface Ready {
  readonly organizations: readonly { readonly name: string; readonly baseUrl: string; readonly token: string }[];
  readonly databaseUrl: string;
}

/**
 * Starts everything except the measured proxy. (The included proxy stays idle.)
 *
 * @param spec fields of the Organization's spec, in place of the quickstart's
 */
export async function startInstallation(
  directory: string,
  upstreamUrl: string,
  { onEnd }: BenchmarkContext,
  spec: Readonly<Record<string, unknown>> = {},
): Promise<Installation> {
  const data = join(directory, 'chaperone');
  const copied = join(directory, 'resources');
  await cp(resources, copied, { recursive: true });
  await stateFields(copied, spec);
  const args = ['up', copied, '--json', '--port', '0', '--metrics-port', '0'];
  const child = startChild(process.execPath, [program, ...args, '--data', data, '--upstream', upstreamUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = () => stopChild(child);
  onEnd(stop);
  const ready = await readReady(child);
  const [organization] = ready.organizations;
  if (!organization) throw new Error(`There is no organization in ${resources}`);
  const { name, baseUrl, token } = organization;
  const credentials = join(data, 'state', 'secrets', operatorNamespace, credentialsSecretName(name));
  return {
    databaseUrl: ready.databaseUrl,
    stop,
    token,
    credentials,
    personaId: await findPersonaId(baseUrl, token),
    postgresPid: Number.parseInt(await readFile(join(data, 'postgres', 'data', 'postmaster.pid'), 'utf8'), 10),
    proxyArguments: ({ data: proxyData, metricsPort = 0 }) => [
      ...['proxy', '--credentials', credentials, '--data', proxyData, '--upstream', upstreamUrl, '--port', '0'],
      ...['--metrics-host', '127.0.0.1', '--metrics-port', String(metricsPort), '--log-level', 'warn'],
    ],
  };
}

async function stateFields(folder: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
  const file = join(folder, 'organization.yaml');
  const document = parseDocument(await readFile(file, 'utf8'));
  for (const [field, value] of Object.entries(spec)) document.setIn(['spec', field], value);
  await writeFile(file, document.toString());
}

async function readReady(child: ChildProcess): Promise<Ready> {
  if (child.stdout) {
    for await (const line of createInterface({ input: child.stdout })) {
      const ready: Ready = JSON.parse(line);
      return ready;
    }
  }
  throw new Error('`chaperone up` ended before it was ready');
}

async function findPersonaId(baseUrl: string, token: string): Promise<string> {
  const response = await fetch(`${baseUrl}/personas`, {
    headers: { authorization: `Bearer ${token}`, 'x-user-id': 'bench@example.com' },
  });
  const { personas }: { personas?: { id: string; name: string }[] } = JSON.parse(await response.text());
  const persona = personas?.find(({ name }) => name === personaName);
  if (!persona) throw new Error(`There is no persona "${personaName}" in ${resources}`);
  return persona.id;
}

export interface GovernedProxy {
  readonly port: number;
  readonly metricsPort: number;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** Starts the measured proxy. Its CPU profile is written to `profileDirectory` when it ends. */
export function startGovernedProxy(
  directory: string,
  installation: Installation,
  profileDirectory: string | undefined,
  context: BenchmarkContext,
): Promise<GovernedProxy> {
  const profiling = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  return startProxyWith(profiling, directory, installation, context);
}

/** Starts a proxy with these options of Node, in addition to those of the image. */
export async function startProxyWith(
  nodeOptions: readonly string[],
  directory: string,
  installation: Installation,
  { onEnd }: BenchmarkContext,
): Promise<GovernedProxy> {
  const args = installation.proxyArguments({ data: join(directory, 'proxy') });
  const child = startNode(program, args, [...proxyNodeOptions, ...nodeOptions]);
  const stop = () => stopChild(child);
  onEnd(stop);
  const message = await nextMessage<{ type: string; message?: string; port: number; metricsPort: number }>(child);
  if (message.type !== 'ready') throw new Error(`The proxy cannot start: ${message.message}`);
  return { port: message.port, metricsPort: message.metricsPort, pid: child.pid, stop };
}

/** What it takes to start a proxy. */
export interface ColdStart {
  readonly ms: number;
  /** Processor time of all its threads. A busy machine changes it less than `ms`. */
  readonly processorMs: number;
}

/**
 * Measures the exec of a proxy with an empty volume, as in a new pod, to the first 200 of its `/readyz`.
 *
 * @param nodeOptions options of Node in addition to those of the image
 */
export async function measureColdStart(
  directory: string,
  { proxyArguments }: Installation,
  nodeOptions: readonly string[] = [],
): Promise<ColdStart> {
  const metricsPort = await findFreePort();
  const startedAt = performance.now();
  const args = proxyArguments({ data: directory, metricsPort });
  const child = startNode(program, args, [...proxyNodeOptions, ...nodeOptions]);
  try {
    await untilAnswered(child, metricsPort, '/readyz');
    return { ms: performance.now() - startedAt, processorMs: await readProcessorMs(child.pid) };
  } finally {
    await stopChild(child);
  }
}

/** Reads a gauge from the proxy's `/metrics`. */
export async function readGauge({ metricsPort }: GovernedProxy, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
  const text = await response.text();
  const value = new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`The proxy has no metric ${name}`);
  return Number(value);
}

/** Waits until all records are in Postgres. Copying also goes on during the load. */
export async function untilShipped(proxy: GovernedProxy): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ((await readGauge(proxy, 'chaperone_spool_depth')) > 0) {
    if (performance.now() > deadline) throw new Error('The spool did not become empty');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
