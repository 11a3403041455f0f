import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { addJobOf, listJobs } from '../../database/jobs.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { type ProviderRequest, sendJson, startScriptedProvider } from '../scripted-provider.ts';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';
import { makeWorkerProcess } from './worker-process.ts';

const scope = suiteScope();

const completion = {
  ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'gpt-4o-mini' },
  choices: [{ index: 0, message: { role: 'assistant', content: 'Good.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
};

/** Another organization, with a provider of its own. */
async function stateGlobex(directory: string, baseUrl: string): Promise<void> {
  const inGlobex = (name: string) => ({ metadata: { name, namespace: 'globex' } });
  const objects = [
    { apiVersion: 'v1', kind: 'Secret', ...inGlobex('openai'), stringData: { key: 'sk-globex-0123456789' } },
    {
      ...{ apiVersion: 'chaperone.dev/v1alpha1', kind: 'Organization', metadata: { name: 'globex' } },
      spec: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'globex' } },
        providers: [{ name: 'openai', type: 'openai', baseUrl }],
        sharing: [{ namespace: 'globex' }],
      },
    },
    {
      ...{ apiVersion: 'chaperone.dev/v1alpha1', kind: 'ApiKeyBinding', ...inGlobex('openai') },
      spec: {
        organizationRef: { name: 'globex' },
        ...{ provider: 'openai', secretKeyRef: { name: 'openai', key: 'key' } },
      },
    },
  ];
  await writeFile(join(directory, 'globex.yaml'), objects.map((object) => JSON.stringify(object)).join('\n---\n'));
}

test('200 jobs of two organizations: a slow provider starves nobody, and a restart of PostgreSQL loses none', async () => {
  const slow = await startScriptedProvider(scope);
  const fast = await startScriptedProvider(scope);
  const released = Promise.withResolvers<void>();
  slow.answer = async (response) => {
    await released.promise;
    sendJson(response, completion);
  };
  fast.answer = (response) => sendJson(response, completion);
  const stack = await startStack(scope, {
    ...{ upstreamUrl: slow.url, ownDatabase: true },
    prepare: (directory) => stateGlobex(directory, fast.url),
  });
  // As its supervisor does, a worker that has ended without the database is started again.
  const worker = await makeWorkerProcess(scope, stack);
  await worker.start();
  let isOver = false;
  const supervised = (async () => {
    while (!isOver) {
      if (worker.exited()) await worker.start();
      await delay(50);
    }
  })();
  atEnd(scope, async () => {
    isOver = true;
    await supervised;
  });
  const asOwner = async <T>(use: (db: Client) => Promise<T>): Promise<T> => {
    const db = new Client({ connectionString: stack.database.url });
    await db.connect();
    return use(db).finally(() => db.end());
  };
  await asOwner(async (db) => {
    const { rows } = await db.query<{ id: string; name: string }>(
      'select organization_id as id, name from chaperone.organizations order by name',
    );
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['acme', 'globex'],
    );
    // All of the slow one's come first.
    for (const { id, name } of rows) {
      for (let number = 0; number < 100; number += 1)
        await addJobOf(db, id, { task: 'call-of-row', id: `${name}-${number}`, attempts: 30 });
    }
  });
  const leftOf = (name: string) =>
    asOwner(async (db) => {
      const jobs = await listJobs(db, { organization: name, isDead: false, limit: 1_000 });
      return jobs.filter(({ task }) => task === 'call-of-row').length;
    });
  await until(async () => slow.requests.length > 0 && (await leftOf('globex')) <= 70, 'some jobs of the fast one');
  await stack.database.stop();
  await stack.database.start();
  await until(async () => (await leftOf('globex')) === 0, 'all jobs of the fast one', 240_000);
  assert.equal(await leftOf('acme'), 100, 'nothing of the slow one has ended meanwhile');
  released.resolve();
  await until(async () => (await leftOf('acme')) === 0, 'all jobs of the slow one', 240_000);
  const dead = await asOwner((db) => listJobs(db, { organization: undefined, isDead: true, limit: 10 }));
  assert.deepEqual(dead, []);

  const contentOf = ({ body }: ProviderRequest) =>
    (body.messages as readonly { readonly content: string }[]).at(-1)?.content;
  const asked = Map.groupBy(fast.requests, contentOf);
  assert.equal(asked.size, 100);
  const repeated = [...asked].filter(([, requests]) => requests.length > 1);
  assert.deepEqual(repeated, [], 'no call that was answered is made again');
});
