import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { parseDocument } from 'yaml';
import { listAllArticles } from '../../database/knowledge-listing.ts';
import { deletePast } from '../../database/past-rows.ts';
import { startSandbox } from '../../sandbox/server.ts';
import { connect } from '../database/tenant.ts';
import { replaceFile } from '../directories.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { makeWorkerProcess } from './worker-process.ts';

const lamp = {
  title: 'Pair a lamp',
  content: '# Before\nPlug in the lamp and wait until it blinks blue.\n# Then\nChoose Add device in the app.',
  category: 'devices',
};
const invoice = { title: 'Invoices', content: 'You get an invoice at the beginning of each month, by mail.' };

describe('vectors of passages', () => {
  const scope = suiteScope();
  let stack: Stack;
  let owner: Client;
  let sandbox: Awaited<ReturnType<typeof startSandbox>>;
  let worker: Awaited<ReturnType<typeof makeWorkerProcess>>;
  let admin: string;
  let lampId: string;

  const editSpec = async (directory: string, edit: (document: ReturnType<typeof parseDocument>) => void) => {
    const file = join(directory, 'organization.yaml');
    const document = parseDocument(await readFile(file, 'utf8'));
    edit(document);
    await replaceFile(file, document.toString());
  };

  before(async () => {
    sandbox = await startSandbox();
    atEnd(scope, sandbox.close);
    stack = await startStack(scope, {
      upstreamUrl: sandbox.url,
      prepare: (directory) =>
        editSpec(directory, (document) =>
          document.setIn(['spec', 'knowledgeBase'], {
            embedding: { model: 'text-embedding-3-small', dimensions: 256 },
          }),
        ),
    });
    owner = await connect(scope, stack.database.url);
    admin = await stack.sign({ user: 'ada', roles: ['admin'] });
    worker = await makeWorkerProcess(scope, stack);
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
  const search = async (query: string) => (await ask('POST', '/search', { query })).body;
  const indexed = () =>
    until(async () => {
      const { index } = (await ask('GET', '')).body;
      return index.indexed === index.published && index;
    }, 'all articles to be indexed');
  const readCalls = async () => {
    const { rows } = await owner.query<{ user: string | null; tokens: number; cost: number }>(
      `select u.external_id as "user", r.input_tokens::integer as tokens, r.cost_usd::float8 as cost
       from chaperone.requests r left join chaperone.users u using (organization_id, user_id)
       where r.operation = 'embeddings' and r.kind = 'analysis' and r.status = 'completed' order by r.started_at`,
    );
    return rows;
  };

  it('come from a worker, and until then the words find an article', async () => {
    const { body } = await ask('POST', '', lamp);
    lampId = body.article_id;
    assert.deepEqual([body.status, body.indexed], ['published', false]);
    assert.equal((await search('lamp blinks')).results[0].article_id, lampId);
    const { index } = (await ask('GET', '')).body;
    const [waiting] = await listAllArticles(owner, undefined);
    assert.deepEqual([waiting?.passages, waiting?.waiting], [2, 2]);
    const counts = { published: 1, indexed: 0, passages: 2, refused: 0 };
    assert.deepEqual(index, { ...counts, embedding_model: 'text-embedding-3-small' });
    await worker.start();
    assert.deepEqual(await indexed(), { ...counts, indexed: 1, embedding_model: 'text-embedding-3-small' });
    assert.equal((await ask('GET', `/${lampId}`)).body.indexed, true);
    const [listed] = await listAllArticles(owner, 'acme');
    assert.deepEqual([listed?.articleId, listed?.passages, listed?.waiting], [lampId, 2, 0]);
  });

  it('find what a question means, fused with its words, by governed calls', async () => {
    await ask('POST', '', invoice);
    await indexed();
    const found = await search('how to add a devicee to the app');
    assert.deepEqual([found.ranked_by, found.fallback], ['words_and_vectors', null]);
    assert.equal(found.results[0].article_id, lampId);
    assert.equal(found.results[0].passage, 'Choose Add device in the app.');
    // No word of it is in an article.
    const { results } = await search('monthlyinvoices');
    assert.equal(results[0].title, 'Invoices');
    const calls = await until(async () => {
      const rows = await readCalls();
      return rows.some(({ user }) => user === 'ada') && rows.some(({ user }) => user === null) && rows;
    }, 'the records of questions and of passages');
    assert.ok(calls.every(({ tokens, cost }) => tokens > 0 && cost > 0));
  });

  it('are asked for once for each text', async () => {
    const read = async () => {
      const { rows } = await owner.query<{ digest: string; revision: string }>(
        `select v.text_digest::text as digest, v.revision
         from chaperone.knowledge_vectors v join chaperone.knowledge_passages p using (organization_id, text_digest)
         where p.article_id = $1 order by p.number`,
        [lampId],
      );
      return rows;
    };
    const [before] = await read();
    await ask('POST', '', { article_id: lampId, content: lamp.content.replace('Add device', 'Connect a light') });
    await indexed();
    const [after, changed] = await read();
    assert.deepEqual(after, before);
    assert.notEqual(changed?.revision, before?.revision);
    assert.equal((await search('connecting a ligth')).results[0].article_id, lampId);
  });

  it('are all that finds an article where its words must not be in clear', async () => {
    const words = async () => {
      const { rows } = await owner.query<{ words: number; terms: number }>(
        `select (select coalesce(sum(length(words)), 0) from chaperone.knowledge_passages)::integer as words,
           (select count(*) from chaperone.knowledge_terms where term <> '')::integer as terms`,
      );
      return rows[0];
    };
    await editSpec(stack.directory, (document) => document.setIn(['spec', 'storage', 'searchable'], false));
    // One mark that is not a word, for each of the three passages.
    await until(async () => (await words())?.words === 3, 'the words to be gone');
    assert.equal((await words())?.terms, 0);
    const found = await search('how to connect a light');
    assert.deepEqual([found.ranked_by, found.results[0].article_id], ['vectors', lampId]);
    const { rows } = await owner.query(
      `select from chaperone.knowledge_vectors where position('light'::bytea in vector_encrypted) > 0`,
    );
    assert.equal(rows.length, 0);
    await ask('POST', '', { ...invoice, title: 'Receipts' });
    assert.equal((await words())?.words, 4);
    await editSpec(stack.directory, (document) => document.deleteIn(['spec', 'storage', 'searchable']));
    await until(async () => ((await words())?.terms ?? 0) > 10, 'the words to be back');
    await indexed();
  });

  it('are all made though the worker is killed, and no call is made twice', async () => {
    const sections = Array.from(
      { length: 200 },
      (_, index) => `# Room ${index}\nLamp ${index} hangs in room ${index}.`,
    );
    const { rows: clock } = await owner.query<{ now: Date }>('select clock_timestamp() as now');
    await ask('POST', '', { title: 'Rooms', content: sections.join('\n') });
    const stored = async () => {
      const { rows } = await owner.query<{ count: number }>(
        'select count(*)::integer as count from chaperone.knowledge_vectors',
      );
      return rows[0]?.count ?? 0;
    };
    const before = await stored();
    await until(async () => (await stored()) > before, 'the first vectors');
    await worker.kill();
    await worker.start();
    await indexed();
    const again = await until(async () => {
      const { rows } = await owner.query<{ completed: number; waiting: number }>(
        `select (count(*) filter (where r.status = 'completed'))::integer as completed,
           (count(*) filter (where r.request_id is null))::integer as waiting
         from chaperone.job_calls c left join chaperone.requests r using (organization_id, request_id)
         where c.step like 'vectors-%' and c.created_at > $1 group by c.job_id, c.step`,
        [clock[0]?.now],
      );
      return rows.every(({ completed }) => completed > 0) && rows;
    }, 'the records of all calls');
    assert.deepEqual(
      again.filter(({ completed }) => completed !== 1),
      [],
    );
    assert.equal((await search('which lamp hangs in room 137')).results[0].title, 'Rooms');
  });

  it('wait where a rule of the organization refuses their call, which the job says', async () => {
    const { body: made } = await ask('POST', '', { title: 'Dimming', content: 'Turn the ring.' });
    let number = 0;
    /** Asks for the vector of a text that has none. @returns what becomes of it */
    const attempt = async () => {
      number += 1;
      const content = `Turn the ring by ${number} to dim it, forbidden.`;
      const { rows: clock } = await owner.query<{ now: Date }>('select clock_timestamp() as now');
      await ask('POST', '', { article_id: made.article_id, content });
      return until(async () => {
        if ((await ask('GET', `/${made.article_id}`)).body.indexed) return 'indexed';
        // Another text may do, so the job goes on.
        if ((await ask('GET', '')).body.index.refused > 0) return 'guardrail_blocked';
        const { rows } = await owner.query<{ failure: string }>(
          `select j.last_error as failure
           from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
           where t.identifier = 'organization:index-knowledge' and j.last_error is not null and j.updated_at > $1
           order by j.updated_at desc limit 1`,
          [clock[0]?.now],
        );
        return rows[0]?.failure;
      }, 'an end of the job');
    };
    const budget = { name: 'poor', amountUsd: '0.000000001', window: 'Total' };
    for (const [field, rule, code] of [
      [['models', 'deny'], ['text-embedding-3-small'], 'model_not_allowed'],
      [['guardrails'], [{ name: 'w', action: 'Block', words: { words: ['forbidden'] } }], 'guardrail_blocked'],
      [['limits'], [{ name: 'few', tokens: { count: 1, window: '24h' } }], 'limit_reached'],
      [['budgets'], [budget], 'insufficient_quota'],
    ] as const) {
      await editSpec(stack.directory, (document) => document.setIn(['spec', ...field], rule));
      await until(async () => (await attempt()).startsWith(code), code);
      await editSpec(stack.directory, (document) => document.deleteIn(['spec', ...field]));
      await until(async () => (await attempt()) === 'indexed', `the vectors without ${field}`);
    }
    await ask('DELETE', `/${made.article_id}`);
  });

  it('are left out where the provider fails, which the answer says', async () => {
    const byVectors = async () => (await search('connect a light')).ranked_by !== 'words';
    await until(byVectors, 'the proxy to know, too, that there is no budget any more');
    await sandbox.close();
    const { results, ranked_by, fallback } = await search('connect a light');
    assert.deepEqual([ranked_by, fallback.code], ['words', 'upstream_unreachable']);
    assert.equal(results[0].article_id, lampId);
  });

  it('go with their article', async () => {
    const { articles } = (await ask('GET', '')).body;
    const { rows: digests } = await owner.query<{ digest: Buffer }>(
      'select distinct text_digest as digest from chaperone.knowledge_passages',
    );
    const count = async (sql: string, values: unknown[] = []) => {
      const { rows } = await owner.query<{ count: number }>(sql, values);
      return rows[0]?.count;
    };
    const ofArticles =
      'select count(*)::integer as count from chaperone.knowledge_vectors where text_digest = any ($1::bytea[])';
    const known = digests.map(({ digest }) => digest);
    assert.equal(await count(ofArticles, [known]), known.length);
    for (const { article_id: id } of articles) await ask('DELETE', `/${id}`);
    assert.equal(await count(ofArticles, [known]), 0);
    assert.equal((await ask('GET', '')).body.index.passages, 0);
    // Those of earlier versions go when a worker next looks.
    const all = 'select count(*)::integer as count from chaperone.knowledge_vectors';
    assert.notEqual(await count(all), 0);
    await deletePast(owner, 'vectors');
    assert.equal(await count(all), 0);
  });
});
