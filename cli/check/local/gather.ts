import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { parse } from 'yaml';
import { isCustomKind } from '../../../crds/definition.ts';
import { makeRecords } from '../../../operator/cluster/directory/records.ts';
import { makeStateFiles } from '../../../operator/cluster/directory/state-files.ts';
import type { FileProblem } from '../../../operator/cluster/directory.ts';
import { credentialsSecretName, operatorNamespace } from '../../../operator/credentials.ts';
import { statePaths } from '../../local/state.ts';
import { describeError } from '../describe-error.ts';
import type { StatedResource } from '../resources.ts';
import { type LoginLimits, readLoginLimits } from './limits.ts';

/** The facts for the checks of local mode. */
export interface LocalFacts {
  readonly data: string;
  /** Whether `chaperone up` has ever run with this data directory. */
  readonly isThere: boolean;
  /** The mistakes in the YAML files, as `chaperone up` last saw them. */
  readonly problems: readonly FileProblem[];
  readonly resources: readonly StatedResource[];
  readonly organizations: readonly LocalOrganization[];
}

export interface LocalOrganization {
  readonly name: string;
  /** Why the database refuses the organization's own login. Undefined: it answers. */
  readonly databaseProblem: string | undefined;
  /** The limits of its login and of the server. Undefined: the database does not answer. */
  readonly limits: LoginLimits | undefined;
  /** Why its proxy is not ready. Undefined: it is. */
  readonly proxyProblem: string | undefined;
  /** The number of its ApiKeyBindings that are in force. Undefined: the operator has not counted them yet. */
  readonly boundKeys: number | undefined;
}

interface LocalResource extends StatedResource {
  readonly status: NonNullable<StatedResource['status']> & { readonly boundKeys?: number };
}

const timeoutMs = 3_000;

/** Gathers the facts about a `chaperone up` by its data directory. */
export async function gatherLocalFacts(data: string): Promise<LocalFacts> {
  const paths = statePaths(data);
  const resources = await readResources(paths.state);
  const organizations = resources.filter(({ kind }) => kind === 'Organization');
  return {
    data,
    isThere: existsSync(paths.state),
    problems: await readJson<readonly FileProblem[]>(paths.problems).catch(() => []),
    resources,
    organizations: await Promise.all(
      organizations.map(async ({ metadata: { name }, status }) => {
        const asked = askDatabase(paths.secrets, name);
        return {
          name,
          databaseProblem: await problemOf(asked),
          limits: await asked.catch(() => undefined),
          proxyProblem: await problemOf(askProxy(paths.proxyAddress(name))),
          boundKeys: status.boundKeys,
        };
      }),
    ),
  };
}

async function readResources(stateDirectory: string): Promise<LocalResource[]> {
  const records = makeRecords(makeStateFiles(join(stateDirectory, 'objects')));
  await records.load();
  const own = records.all().filter(({ key }) => isCustomKind(key.kind));
  return Promise.all(
    own.map(async ({ key: { kind, namespace, name }, metadata }) => {
      const file = join(stateDirectory, 'status', kind, namespace, `${name}.yaml`);
      const status = parse(await readFile(file, 'utf8').catch(() => ''));
      return { kind, metadata: { ...metadata, name, namespace }, status: status ?? {} };
    }),
  );
}

async function askDatabase(secrets: string, organization: string): Promise<LoginLimits> {
  const file = join(secrets, operatorNamespace, credentialsSecretName(organization), 'database-url');
  const connectionString = await readFile(file, 'utf8');
  const client = new Client({ connectionString, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
  client.on('error', () => {});
  try {
    await client.connect();
    return await readLoginLimits(client);
  } finally {
    await client.end();
  }
}

async function askProxy(addressFile: string): Promise<void> {
  const { metricsPort } = await readJson<{ metricsPort: number }>(addressFile);
  const answer = await fetch(`http://127.0.0.1:${metricsPort}/readyz`, { signal: AbortSignal.timeout(timeoutMs) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text.trim());
}

async function problemOf(asking: Promise<unknown>): Promise<string | undefined> {
  try {
    await asking;
    return undefined;
  } catch (error) {
    return describeError(error);
  }
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, 'utf8'));
}
