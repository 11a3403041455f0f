import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { organizationIdOf } from '../../database/ids.ts';
import { workerSecretName } from '../../operator/credentials.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { makeOperatorStarter, type StartOperatorProcess } from './operator-process.ts';
import { analysisConfig, binding, organization, persona, secret } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

const seed = Number(process.env.CHAPERONE_TEST_SEED ?? Date.now() % 1_000_000);
const changes = 300;
const kinds = ['Persona', 'ApiKeyBinding', 'AnalysisConfig', 'Organization'] as const;
/** How the names of the Secrets that workers mount begin. */
const workerSecrets = workerSecretName(0).slice(0, -1);
type Path = readonly [kind: (typeof kinds)[number], path: string];

describe('an operator that is killed repeatedly', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let start: StartOperatorProcess;

  before(async () => {
    stage = await setStage(scope);
    start = await makeOperatorStarter(scope, {
      kubeConfig: kubeConfigOf(stage.server),
      databaseUrl: stage.databaseUrl,
    });
  });

  test('amid 300 creations and deletions leaves nothing undone and nothing behind', async (t) => {
    t.diagnostic(`CHAPERONE_TEST_SEED=${seed}`);
    const { hands } = stage;
    const random = makeRandom(seed);
    await hands.create('Organization', 'acme', organization());
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    const present = new Map<string, Path>();
    const goneUids: string[] = [];

    const create = async (number: number) => {
      const kind = kinds[Math.floor(random() * 3.2)] ?? 'Persona';
      const path: Path = [kind, kind === 'Organization' ? `o${number}` : `web/r${number}`];
      await hands.create(kind, path[1], specOf(kind, `r${number}`));
      present.set(path.join(' '), path);
    };
    const remove = async () => {
      const doomed = [...present][Math.floor(random() * present.size)];
      if (!doomed) return;
      const [id, [kind, path]] = doomed;
      present.delete(id);
      if (kind === 'Organization') goneUids.push((await hands.find(kind, path))?.metadata.uid ?? '');
      await hands.remove(kind, path);
    };
    let made = 0;
    const change = async () => {
      while (made < changes) {
        made += 1;
        await (random() < 0.6 ? create(made) : remove());
        await delay(random() * 80);
      }
    };
    const changing = Promise.all([change(), change()]);
    let kills = 0;
    while (made < changes || kills < 4) {
      const operator = await start('--no-leader-election');
      // Most often when it is at work; now and then while it starts.
      if (random() < 0.85) await operator.untilLogged('reconciling');
      await delay(random() * 400);
      await operator.end('SIGKILL');
      kills += 1;
    }
    await changing;
    await (await start('--no-leader-election')).untilLogged('reconciling');
    for (const [kind, path] of present.values()) {
      // No namespace has the label of one of these Organizations.
      await hands.untilReason(kind, path, kind === 'Organization' ? 'NoNamespaces' : 'Ready');
    }
    const wanted = [...present.keys(), 'Organization acme'].sort();
    await until(async () => (await listObjects(stage)).length === wanted.length, 'what was deleted to be gone');
    assert.deepEqual(await listObjects(stage), wanted);
    assert.deepEqual(await listRows(stage), wanted);
    assert.deepEqual(await listSecrets(stage), secretsOf(wanted));
    await until(
      async () => isDeepStrictEqual(await listKnownToWorkers(stage), await listIds(stage)),
      'workers to know',
    );
    assert.deepEqual(await listRoles(stage, goneUids), []);
    t.diagnostic(`killed ${kills} times; ${wanted.length} objects left of ${changes} changes`);
  });
});

function specOf(kind: Path[0], name: string): object {
  switch (kind) {
    case 'Persona':
      return persona({ name });
    case 'ApiKeyBinding':
      return binding({ user: name });
    case 'AnalysisConfig':
      return analysisConfig({ name });
    case 'Organization':
      return organization({ namespaceSelector: { matchLabels: { org: name } } });
  }
}

async function listObjects({ client }: Stage): Promise<string[]> {
  const lists = kinds.map(async (kind) => {
    const path = `/apis/chaperone.dev/v1alpha1/${kind.toLowerCase()}s`;
    const { items } = await client.send<{ items: { metadata: { namespace?: string; name: string } }[] }>({
      ...{ method: 'GET', path },
    });
    return items.map(({ metadata: { namespace, name } }) => `${kind} ${namespace ? `${namespace}/` : ''}${name}`);
  });
  return (await Promise.all(lists)).flat().sort();
}

/** What is in force. */
async function listRows({ db }: Stage): Promise<string[]> {
  const { rows } = await db.query<{ object: string }>(
    `select 'Organization ' || name as object from chaperone.organizations where deleted_at is null
     union all select 'Persona ' || resource from chaperone.personas where deleted_at is null
     union all select 'ApiKeyBinding ' || resource from chaperone.api_keys where deleted_at is null
     union all select 'AnalysisConfig ' || resource from chaperone.analysis_configs where deleted_at is null`,
  );
  return rows.map(({ object }) => object).sort();
}

async function listSecrets({ client }: Stage): Promise<string[]> {
  const { items } = await client.send<{ items: { metadata: { namespace: string; name: string } }[] }>({
    method: 'GET',
    path: '/api/v1/secrets',
    query: { labelSelector: 'app.kubernetes.io/managed-by=chaperone' },
  });
  return items
    .map(({ metadata: { namespace, name } }) => `${namespace}/${name}`)
    .filter((path) => !path.startsWith(`${governance}/${workerSecrets}`))
    .sort();
}

/** The organizations whose credentials workers have. */
async function listKnownToWorkers({ client }: Stage): Promise<string[]> {
  const { items } = await client.send<{ items: { metadata: { name: string }; data?: Record<string, string> }[] }>({
    method: 'GET',
    path: `/api/v1/namespaces/${governance}/secrets`,
  });
  return items
    .filter(({ metadata }) => metadata.name.startsWith(workerSecrets))
    .flatMap(({ data = {} }) => Object.keys(data))
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
}

async function listIds({ client }: Stage): Promise<string[]> {
  const { items } = await client.send<{ items: { metadata: { uid: string } }[] }>({
    ...{ method: 'GET', path: '/apis/chaperone.dev/v1alpha1/organizations' },
  });
  return items.map(({ metadata }) => organizationIdOf(metadata.uid)).sort();
}

function secretsOf(objects: readonly string[]): string[] {
  return objects
    .flatMap((object) => {
      const [kind, path] = object.split(' ');
      if (kind === 'ApiKeyBinding') return [`${path}-synthetic-key`];
      if (kind !== 'Organization') return [];
      const own = `${governance}/chaperone-${path}`;
      return [own, `${own}-signing-keys`, ...(path === 'acme' ? ['web/chaperone-acme'] : [])];
    })
    .sort();
}

/** The login roles of organizations that are gone, and those that no organization has. */
async function listRoles({ db }: Stage, goneUids: readonly string[]): Promise<string[]> {
  const gone = goneUids.map((uid) => `chaperone_org_${organizationIdOf(uid).replaceAll('-', '')}`);
  const { rows } = await db.query<{ role: string }>(
    `select rolname as role from pg_roles where rolname = any($1::text[])
     union all
     select role_name from chaperone.organization_roles
     where organization_id not in (select organization_id from chaperone.organizations)`,
    [gone],
  );
  return rows.map(({ role }) => role);
}

/** mulberry32: the same numbers from the same seed. */
function makeRandom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
