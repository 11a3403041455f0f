import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../database/tenant.ts';
import { replaceFile } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

const lamp = `---
title: Pair a lamp
category: devices
tags: [lamp]
---
Plug in the lamp.
`;
const invoice = lamp.replace('Pair a lamp', 'Invoices').replace('Plug in the lamp.', 'You get them by mail.');

describe('articles in a folder', () => {
  const scope = suiteScope();
  let stack: Stack;
  let owner: Client;
  let folder: string;
  let admin: string;

  before(async () => {
    stack = await startStack(scope, {
      prepare: async (directory) => {
        folder = join(directory, 'articles');
        await mkdir(folder);
        await writeFile(join(folder, 'lamp.md'), lamp);
        await writeFile(join(folder, 'broken.md'), '---\ntitle: 5\n---\nA text.');
        await writeFile(join(directory, 'README.md'), 'No article.');
      },
    });
    owner = await connect(scope, stack.database.url);
    admin = await stack.sign({ user: 'ada', roles: ['admin'] });
  });

  const ask = async (method: string, path: string, body?: object) => {
    const answer = await fetch(new URL(`/api/v1/knowledge-base${path}`, stack.baseUrl), {
      method,
      headers: { authorization: `Bearer ${admin}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return { status: answer.status, body: JSON.parse(await answer.text()) as any };
  };
  const titles = async (): Promise<string[]> =>
    (await ask('GET', '')).body.articles.map(({ title }: { title: string }) => title).sort();
  const search = async (query: string) => (await ask('POST', '/search', { query })).body.results;

  it('are articles, and one that cannot be read keeps no other one back', async () => {
    assert.deepEqual(await titles(), ['Pair a lamp']);
    const [found] = await search('plug in lamps');
    assert.deepEqual([found.title, found.category, found.tags], ['Pair a lamp', 'devices', ['lamp']]);
  });

  it('follow their files', async () => {
    await replaceFile(join(folder, 'invoice.md'), invoice);
    await until(async () => (await titles()).length === 2, 'the new file to be an article');
    await replaceFile(join(folder, 'lamp.md'), lamp.replace('Plug in the lamp.', 'Turn the bulb into its socket.'));
    const [changed] = await until(async () => {
      const results = await search('socket');
      return results.length > 0 && results;
    }, 'the change to be found');
    assert.equal(changed.version, 2);
    assert.deepEqual(await search('plug'), []);
    await replaceFile(join(folder, 'broken.md'), invoice.replace('Invoices', 'Receipts'));
    await until(async () => (await titles()).includes('Receipts'), 'the corrected file to be an article');
  });

  it('stay as they were while their file has a mistake, and go with it', async () => {
    await replaceFile(join(folder, 'invoice.md'), invoice.replace('tags: [lamp]', 'tags: lamp'));
    await replaceFile(join(folder, 'broken.md'), invoice.replace('Invoices', 'Bills'));
    await until(async () => (await titles()).includes('Bills'), 'the other file to be read');
    assert.ok((await titles()).includes('Invoices'));
    await rm(join(folder, 'invoice.md'));
    await until(async () => !(await titles()).includes('Invoices'), 'the article to be deleted');
    assert.deepEqual(await titles(), ['Bills', 'Pair a lamp']);
  });

  it('cannot be changed by the API, which names the file', async () => {
    const [found] = await search('socket');
    for (const [method, path, body] of [
      ['POST', '', { article_id: found.article_id, title: 'Mine' }],
      ['DELETE', `/${found.article_id}`, undefined],
    ] as const) {
      const refused = await ask(method, path, body);
      assert.deepEqual([refused.status, refused.body.error.code], [409, 'owned_by_resource']);
      assert.match(refused.body.error.message, /articles\/lamp\.md/);
    }
    // Nor by a statement of the organization's own login.
    const { rows } = await owner.query<{ count: number }>(
      'select count(*)::integer as count from chaperone.knowledge_articles where resource is not null',
    );
    assert.equal(rows[0]?.count, 2);
    const mine = await ask('POST', '', { title: 'By the API', content: 'Stays.' });
    await replaceFile(join(folder, 'lamp.md'), lamp);
    await until(async () => (await search('plug')).length > 0, 'the file to be read again');
    assert.equal((await ask('GET', `/${mine.body.article_id}`)).status, 200);
  });
});
