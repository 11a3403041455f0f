import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { credentialsSecretName, operatorNamespace } from '../../operator/credentials.ts';
import { readCredentials } from '../../proxy/credentials.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { startChild, stopChild } from '../child.ts';

const root = join(import.meta.dirname, '..', '..');
const entry = join(root, 'cli', 'main.ts');
/** What most benchmarks start. */
export const quickstart = join(root, 'examples', 'quickstart');

/** A running Chaperone: a PostgreSQL with default settings, the operator, a proxy, a worker, the sandbox. */
export interface Installation {
  readonly baseUrl: string;
  /** An admin's token. */
  readonly token: string;
  readonly organizationId: string;
  /** URL with the owner's login. */
  readonly databaseUrl: string;
  /** URL with the organization's login, as its proxies have it. */
  readonly proxyDatabaseUrl: string;
  stop(): Promise<void>;
}

interface Ready {
  readonly organizations: readonly { readonly name: string; readonly baseUrl: string; readonly token: string }[];
  readonly databaseUrl: string;
}

/** @param resources the directory of its YAML */
export async function startInstallation(
  directory: string,
  { onEnd }: BenchmarkContext,
  resources = quickstart,
): Promise<Installation> {
  const data = join(directory, 'chaperone');
  const args = [entry, 'up', resources, '--json', '--port', '0', '--metrics-port', '0', '--data', data];
  const child = startChild(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = () => stopChild(child);
  onEnd(stop);
  if (!child.stdout) throw new Error('`chaperone up` has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const { organizations, databaseUrl }: Ready = JSON.parse(line);
    const [organization] = organizations;
    if (!organization) break;
    const { name, baseUrl, token } = organization;
    const credentials = await readCredentials(
      join(data, 'state', 'secrets', operatorNamespace, credentialsSecretName(name)),
    );
    const { organizationId, databaseUrl: proxyDatabaseUrl } = credentials;
    return { baseUrl, token, organizationId, databaseUrl, proxyDatabaseUrl, stop };
  }
  throw new Error('`chaperone up` ended before it was ready');
}
