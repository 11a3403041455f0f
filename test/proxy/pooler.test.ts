import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { Client } from 'pg';
import { replaceFile } from '../directories.ts';
import { type PgBouncer, skip, startPgBouncer } from '../pgbouncer.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

suite('a proxy behind PgBouncer', { skip, concurrency: 2 }, () => {
  for (const poolMode of ['transaction', 'session'] as const) {
    test(`in ${poolMode} mode serves, records, follows edits, and survives new passwords and a restart of the pooler`, async (t) => {
      const { stack, pooler } = await startPooledStack(t, poolMode);
      const first = await ask(stack);
      assert.equal(first.status, 200, await first.text());
      await untilRecorded(stack, 1);

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

async function startPooledStack(t: TestContext, poolMode: 'transaction' | 'session') {
  const started = Promise.withResolvers<PgBouncer>();
  const stack = await startStack(t, {
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

function ask({ baseUrl, token }: Stack): Promise<Response> {
  return fetch(`${baseUrl}/responses`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'x-user-id': 'ada', 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', input: 'Hello!' }),
  });
}

async function edit({ directory }: Stack, change: (text: string) => string): Promise<void> {
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
