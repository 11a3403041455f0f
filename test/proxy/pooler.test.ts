import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { makeDirectory, replaceFile } from '../directories.ts';
import { metricOf } from '../faults/matrix/installation.ts';
import { type PgBouncer, skip, startPgBouncer } from '../pgbouncer.ts';
import { startProxyHere } from '../proxy-here.ts';
import { atEnd } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

suite('a proxy behind PgBouncer', { skip, concurrency: 2 }, () => {
  for (const poolMode of ['transaction', 'session'] as const) {
    test(`in ${poolMode} mode serves, records, follows edits, and survives new passwords and a restart of the pooler`, async (t) => {
      const { stack, pooler } = await startPooledStack(t, poolMode);
      const first = await ask(stack);
      assert.equal(first.status, 200, await first.text());
      await untilRecorded(stack, 1);
      if (poolMode === 'transaction') await askTwoProxies(t, stack);

      await edit(stack, (text) => text.replace('    deny:\n', '    deny:\n      - gpt-4o-mini\n'));
      await until(async () => (await ask(stack)).status === 403, 'the model to be refused');
      await edit(stack, (text) => text.replace('      - gpt-4o-mini\n', ''));
      await until(async () => (await ask(stack)).status === 200, 'the model to be allowed again');

      const url = () => readFile(join(stack.credentialsDirectory, 'database-url'), 'utf8');
      const before = await url();
      const rotate = `  annotations: { chaperone.dev/rotate: '${new Date().toISOString()}' }\n`;
      await edit(stack, (text) => text.replace('  name: acme\n', `  name: acme\n${rotate}`));
      await until(async () => (await url()) !== before, 'another password');
      // What is connected stays so: with another process in between, everyone must log in anew.
      await pooler.restart();
      const recorded = await countRecords(stack);
      assert.equal((await ask(stack)).status, 200);
      await untilRecorded(stack, recorded + 1);
    });
  }
});

/** Two proxies share a pool, and so the sessions in which their statements run. */
async function askTwoProxies(t: TestContext, stack: Stack): Promise<void> {
  const { credentialsDirectory, upstreamUrl } = stack;
  const directory = await makeDirectory(t);
  const logPath = join(directory, 'log');
  const dataDirectory = join(directory, 'volume');
  const other = await startProxyHere({ credentialsDirectory, upstreamUrl, dataDirectory, logPath });
  atEnd(t, () => other.stop(4_000));
  const before = await countRecords(stack);
  const baseUrls = [stack.baseUrl, `http://127.0.0.1:${other.port}/v1`];
  for (let time = 1; time <= 5; time += 1) {
    const asked = await Promise.all(
      baseUrls.flatMap((baseUrl) => [ask({ ...stack, baseUrl }), ask({ ...stack, baseUrl })]),
    );
    for (const answer of asked) assert.equal(answer.status, 200, await answer.text());
    await untilRecorded(stack, before + time * asked.length);
  }
  for (const { metricsPort } of [stack.proxy, other]) {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    for (const name of ['chaperone_spool_failures_total', 'chaperone_quota_failures_total']) {
      assert.equal(metricOf(metrics, name), 0, name);
    }
  }
}

async function startPooledStack(t: TestContext, poolMode: 'transaction' | 'session') {
  const started = Promise.withResolvers<PgBouncer>();
  const stack = await startStack(t, {
    prepare: (directory) =>
      edit({ directory }, (text) =>
        text.replace('spec:\n', 'spec:\n  limits:\n    - name: calls\n      requests: { count: 1000, window: 24h }\n'),
      ),
    async pool({ port, superuserUrl, url }) {
      const pooler = await startPgBouncer(t, { poolMode, databasePort: port, superuserUrl });
      started.resolve(pooler);
      const pooled = new URL(url);
      pooled.port = String(pooler.port);
      return pooled.href;
    },
  });
  return { stack, pooler: await started.promise };
}

function ask({ baseUrl, token }: Pick<Stack, 'baseUrl' | 'token'>): Promise<Response> {
  return fetch(`${baseUrl}/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', input: 'Hello!' }),
  });
}

async function edit({ directory }: Pick<Stack, 'directory'>, change: (text: string) => string): Promise<void> {
  const file = join(directory, 'organization.yaml');
  const before = await readFile(file, 'utf8');
  const after = change(before);
  assert.notEqual(after, before);
  await replaceFile(file, after);
}

async function countRecords({ database }: Stack): Promise<number> {
  const owner = new Client({ connectionString: database.url });
  await owner.connect();
  try {
    const { rows } = await owner.query<{ count: number }>('select count(*)::int as count from chaperone.requests');
    return rows[0]?.count ?? 0;
  } finally {
    await owner.end();
  }
}

function untilRecorded(stack: Stack, least: number): Promise<boolean> {
  return until(async () => (await countRecords(stack)) >= least, `${least} records`);
}
