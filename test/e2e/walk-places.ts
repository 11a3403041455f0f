import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statePaths } from '../../cli/local/state.ts';
import { signToken } from '../../cli/token.ts';
import { operatorNamespace } from '../../operator/credentials.ts';
import { exampleImage, withDatabaseImage } from '../../scripts/cluster/product.ts';
import { until } from '../until.ts';
import { apply, getJson, kubectl, query, target } from './cluster.ts';

/** As docs/kubernetes.md names them. */
const registry = 'registry.example.com/platform';
const databaseImage = 'postgres:18.4';
const volumeLabel = 'example.com/walk';

/** Has the cluster have what the document takes for granted: images under these names, and volumes of anybody's. */
export async function provide(productImage: string): Promise<void> {
  const { loadImage, tagImage, remove } = await target();
  await tagImage(productImage, `${registry}/chaperone:0.1.0`);
  await tagImage(exampleImage.name, `${registry}/chaperone-example:0.1.0`);
  // Other clusters pull this one, and have volumes that a pod's group may write to.
  if (!remove) return;
  await withDatabaseImage((image) => loadImage({ ...image, name: databaseImage }));
  for (let index = 0; index < 8; index += 1) await makeVolume(`walk-${index}`);
}

/** Those that the test cluster makes by itself are root's. */
async function makeVolume(name: string): Promise<void> {
  const path = join('/tmp/hostpath_pv', name);
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  const matchExpressions = [{ key: 'kubernetes.io/os', operator: 'In', values: ['linux'] }];
  await apply('default', {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels: { [volumeLabel]: 'true' } },
    spec: {
      capacity: { storage: '8Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'standard',
      persistentVolumeReclaimPolicy: 'Retain',
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
    },
  });
}

export async function removeVolumes(): Promise<void> {
  await kubectl('delete', 'persistentvolumes', `--selector=${volumeLabel}=true`, '--wait=false');
}

/** A PostgreSQL of the reader's own, at the address that the document names. */
export async function startDatabase(): Promise<void> {
  const labels = { app: 'postgres' };
  const statements =
    "create role chaperone login createrole password 'PASSWORD';\ncreate database chaperone owner chaperone;\n";
  const mount = (name: string, mountPath: string) => ({ name, mountPath });
  await apply(
    'databases',
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'databases' } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'postgres' },
      stringData: { password: 'superuser', 'owner.sql': statements },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'postgres' },
      spec: { selector: labels, ports: [{ port: 5432 }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'postgres', labels },
      spec: {
        securityContext: { fsGroup: 60_813 },
        containers: [
          {
            name: 'postgres',
            image: databaseImage,
            args: ['-c', 'max_connections=200'],
            env: [
              { name: 'POSTGRES_PASSWORD_FILE', value: '/etc/postgres/password' },
              { name: 'PGDATA', value: '/var/lib/postgresql/data/pgdata' },
            ],
            readinessProbe: { tcpSocket: { port: 5432 }, periodSeconds: 1 },
            volumeMounts: [
              mount('data', '/var/lib/postgresql/data'),
              mount('run', '/var/run/postgresql'),
              mount('secrets', '/etc/postgres'),
              mount('secrets', '/docker-entrypoint-initdb.d'),
            ],
          },
        ],
        volumes: [
          { name: 'data', emptyDir: {} },
          { name: 'run', emptyDir: {} },
          { name: 'secrets', secret: { secretName: 'postgres' } },
        ],
      },
    },
  );
  await kubectl('wait', '--namespace', 'databases', '--for=condition=Ready', 'pod/postgres', '--timeout=120s');
}

/** What a backup must bring back: all of it was there before, and is nowhere in the resources. */
export interface Remembered {
  readonly organizationId: string;
  readonly syntheticKey: string;
  /** An admin's, signed before. */
  readonly token: string;
  readonly responseId: string;
  readonly personaId: string;
}

const personaText = 'Speak of parcels only.';

/** Makes something of each sort that only keys and database hold. */
export async function makeKeepsakes(): Promise<Remembered> {
  const token = await signAdminToken();
  const persona = await ask(token, 'POST', 'personas', { name: 'Parcels', content: personaText });
  assert.equal(persona.status, 201, JSON.stringify(persona));
  const response = await ask(undefined, 'POST', 'responses', { model: 'gpt-4o', input: 'Why was my invoice wrong?' });
  assert.equal(response.status, 200, JSON.stringify(response));
  const organizationId = await kubectl('get', 'organization', 'webshop', '--output=jsonpath={.status.id}');
  const responseId = String(response.body.id);
  await until(async () => {
    const sql = 'select from chaperone.requests r join chaperone.request_contents using (organization_id, request_id)';
    return (await query(`${sql} where r.organization_id = $1 and response_id = $2`, [organizationId, responseId]))
      .length;
  }, 'the record and its contents');
  const syntheticKey = await readSyntheticKey();
  return { organizationId, syntheticKey, token, responseId, personaId: String(persona.body.id) };
}

/** Asserts that all of it is as it was. */
export async function assertKeepsakes(kept: Remembered): Promise<void> {
  const id = await kubectl('get', 'organization', 'webshop', '--output=jsonpath={.status.id}');
  assert.equal(id, kept.organizationId);
  assert.equal(await readSyntheticKey(), kept.syntheticKey);
  const persona = await ask(kept.token, 'GET', `personas/${kept.personaId}`);
  assert.deepEqual(
    [persona.status, persona.body.content],
    [200, personaText],
    'a persona that was made by API is readable',
  );
  const config = {
    analysis_type: 'intent',
    model: 'gpt-4o-mini',
    categories: [{ name: 'billing', description: 'Invoices' }],
  };
  const analysis = await ask(undefined, 'POST', 'analysis', { id: kept.responseId, config });
  assert.equal(analysis.status, 200, `what was asked before is readable: ${JSON.stringify(analysis)}`);
}

/** Asserts that the first workload's pods, once those of before have gone, can call. */
export async function assertWorkloadCalls(): Promise<void> {
  const list = () => getJson<{ items: { metadata: { deletionTimestamp?: string } }[] }>('pods', '--namespace', 'shop');
  // Of a Deployment kubectl may take a pod that is on its way out.
  await until(async () => (await list()).items.length === 1, 'the former pods to be gone', 120_000);
  const answer = await ask(undefined, 'POST', 'responses', { model: 'gpt-4o', input: 'Where is my parcel?' });
  assert.equal(answer.status, 200, JSON.stringify(answer));
}

async function readSyntheticKey(): Promise<string> {
  return kubectl('get', 'secret', 'openai-synthetic-key', '--namespace', 'shop', '--output=jsonpath={.data.api-key}');
}

/** Signs as `chaperone token` does on one machine, with the keys of the cluster. */
async function signAdminToken(): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'chaperone-keys-'));
  try {
    for (const name of ['chaperone-webshop', 'chaperone-webshop-signing-keys']) {
      const secret = await getJson<{ data: Record<string, string> }>('secret', name, '--namespace', operatorNamespace);
      const folder = join(statePaths(data).secrets, operatorNamespace, name);
      await mkdir(folder, { recursive: true });
      for (const [key, value] of Object.entries(secret.data))
        await writeFile(join(folder, key), Buffer.from(value, 'base64'));
    }
    return await signToken({ organization: 'webshop', roles: ['admin'], expires: '1h', data });
  } finally {
    await rm(data, { recursive: true });
  }
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Has the first workload ask its proxy, with its own key where no token is given. */
async function ask(token: string | undefined, method: string, path: string, body?: object): Promise<Answer> {
  const script = `
    const [token, method, path, body] = process.argv.slice(1);
    const authorization = 'Bearer ' + (token || process.env.OPENAI_API_KEY);
    const headers = { authorization, 'content-type': 'application/json', 'x-user-id': 'assistant' };
    const answer = await fetch('http://127.0.0.1:8000/v1/' + path, { method, headers, ...(body && { body }) });
    console.log(JSON.stringify({ status: answer.status, body: await answer.json() }));`;
  const args = [token ?? '', method, path, ...(body ? [JSON.stringify(body)] : [])];
  const pod = ['--namespace', 'shop', 'deploy/assistant', '--container', 'assistant'];
  return JSON.parse(await kubectl('exec', ...pod, '--', 'node', '--input-type=module', '-e', script, ...args));
}
