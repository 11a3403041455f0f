import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Organization } from '../../crds/resources.generated.ts';
import type { ChainHead } from '../../database/audit/chain.ts';
import { makeApiClient } from '../../operator/cluster/kubernetes/api-client.ts';
import { loadKubeConfig } from '../check/cluster/target.ts';
import { describeError } from '../check/describe-error.ts';
import type { ClusterInstallation, Installation } from '../installation.ts';
import { statePaths } from '../local/state.ts';

/** The heads of audit logs by organization, as statuses have them: outside of the database. */
export type Heads = ReadonlyMap<string, ChainHead>;

/** Reads the heads from the statuses of Organizations. @throws where they cannot be read */
export function readStatusHeads(installation: Installation): Promise<Heads> {
  return installation.kind === 'local' ? readLocalHeads(installation.data) : readClusterHeads(installation);
}

async function readLocalHeads(data: string): Promise<Heads> {
  const directory = join(statePaths(data).state, 'status', 'Organization');
  const files = (await readdir(directory).catch(() => [])).filter((file) => file.endsWith('.yaml'));
  const found = await Promise.all(
    files.map(async (file) => {
      const kept: unknown = parse(await readFile(join(directory, file), 'utf8'));
      const status = isObject(kept) && isObject(kept.status) ? kept.status : kept;
      return [file.slice(0, -'.yaml'.length), isObject(status) ? toHead(status.audit) : undefined] as const;
    }),
  );
  return toHeads(found);
}

async function readClusterHeads({ namespace: _, ...target }: ClusterInstallation): Promise<Heads> {
  const client = makeApiClient({ kubeConfig: loadKubeConfig(target), requestTimeoutMs: 10_000 });
  try {
    const path = '/apis/chaperone.dev/v1alpha1/organizations';
    const { items } = await client.send<{ items: readonly Organization[] }>({ method: 'GET', path });
    return toHeads(items.map(({ metadata, status }) => [metadata.name, toHead(status?.audit)] as const));
  } catch (error) {
    const message = `The statuses of the Organizations cannot be read, so nothing shows whether the end of a log was removed: ${describeError(error)}`;
    throw new Error(message, { cause: error });
  } finally {
    await client.close();
  }
}

function toHeads(found: readonly (readonly [name: string, head: ChainHead | undefined])[]): Heads {
  return new Map(found.flatMap(([name, head]) => (head ? [[name, head]] : [])));
}

function toHead(audit: unknown): ChainHead | undefined {
  if (!isObject(audit) || typeof audit.entries !== 'number' || typeof audit.head !== 'string') return undefined;
  return { seq: audit.entries, hash: Buffer.from(audit.head, 'hex') };
}

/** Writes a head as an option's value, such as `acme=42:9f86d0…`. */
export function writeHead(organization: string, { seq, hash }: ChainHead): string {
  return `${organization}=${seq}:${hash.toString('hex')}`;
}

/** Reads the values of `writeHead`. @throws where one is no head */
export function parseHeads(values: readonly string[]): Heads {
  return new Map(
    values.map((value) => {
      const [, organization = '', seq, hash = ''] = /^([a-z0-9.-]+)=(\d{1,15}):([0-9a-f]{64})$/.exec(value) ?? [];
      if (seq === undefined) throw new Error(`--head must be such as acme=42:9f86d0…, not "${value}"`);
      return [organization, { seq: Number(seq), hash: Buffer.from(hash, 'hex') }];
    }),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
