import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { Client } from 'pg';
import type { ProxyProcess } from '../../../../cli/local/proxies.ts';
import { deletePast } from '../../../../database/past-rows.ts';
import type { TestProxy } from '../../../proxy-here.ts';
import { startProxy } from '../../../proxy-process.ts';
import { atEnd, suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';

const articles = '/api/v1/knowledge-base';

/** Requests with an `Idempotency-Key`, through the front door: two proxies of one organization. */
describe('a POST with an Idempotency-Key', () => {
  const scope = suiteScope();
  let stack: Stack;
  let other: ProxyProcess;
  let owner: Client;
  before(async () => {
    stack = await startStack(scope);
    other = await startProxy(scope, stack);
    owner = new Client({ connectionString: stack.database.url });
    await owner.connect();
    atEnd(scope, () => owner.end());
  });

  const post = async (
    path: string,
    body: object,
    key: string | undefined,
    options: { proxy?: TestProxy; token?: string; user?: string } = {},
  ) => {
    const { proxy = stack.proxy, token = stack.token, user = 'ada' } = options;
    const answer = await fetch(`http://127.0.0.1:${proxy.port}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'x-user-id': user,
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    });
    const isReplayed = answer.headers.get('idempotency-replayed') === 'true';
    const type = answer.headers.get('content-type');
    const text = await answer.text();
    return { status: answer.status, type, isReplayed, text, code: JSON.parse(text).error?.code };
  };
  const count = async () =>
    Number((await owner.query('select count(*) from chaperone.knowledge_articles')).rows[0].count);

  it('runs once, and gives the first answer again, at every proxy', async () => {
    const key = randomUUID();
    const article = { title: 'Once', content: 'Only one.' };
    const before = await count();
    const first = await post(articles, article, key);
    assert.deepEqual([first.status, first.isReplayed], [200, false]);
    for (const proxy of [stack.proxy, other]) {
      const again = await post(articles, { content: 'Only one.', title: 'Once' }, key, { proxy });
      assert.deepEqual(again, { ...first, isReplayed: true });
    }
    assert.equal(await count(), before + 1);
    assert.notEqual((await post(articles, article, undefined)).text, first.text);
  });

  it('gives the first answer again on other surfaces, with its status, and where it was refused', async () => {
    const key = randomUUID();
    const persona = { name: `once ${key}`, content: 'Be brief.' };
    const first = await post('/v1/personas', persona, key);
    assert.equal(first.status, 201);
    assert.deepEqual(await post('/v1/personas', persona, key), { ...first, isReplayed: true });
    const taken = await post('/v1/personas', persona, randomUUID());
    assert.deepEqual([taken.status, taken.code], [409, 'name_taken']);
    const feedback = { session_id: 'none', rating: 5 };
    const missing = await post('/api/v1/feedback', feedback, key + 1);
    assert.ok(missing.status >= 400 && missing.status < 500);
  });

  it('refuses another request with the key, and leaves other callers their own', async () => {
    const key = randomUUID();
    const first = await post(articles, { title: 'One', content: 'One.' }, key);
    const reused = await post(articles, { title: 'Two', content: 'Two.' }, key);
    assert.deepEqual([reused.status, reused.code], [422, 'idempotency_key_reused']);
    const elsewhere = await post(`${articles}/search`, { query: 'One' }, key);
    assert.deepEqual([elsewhere.status, elsewhere.code], [422, 'idempotency_key_reused']);
    const others = await post(articles, { title: 'Two', content: 'Two.' }, key, { user: 'bob' });
    assert.deepEqual([others.status, others.isReplayed], [200, false]);
    assert.notEqual(others.text, first.text);
    const token = await stack.sign({ user: 'ada', roles: ['member'] });
    assert.equal((await post(articles, { title: 'One', content: 'One.' }, key, { token })).code, 'role_required');
  });

  it('runs once where it comes several times at the same time', async () => {
    const key = randomUUID();
    const before = await count();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        post(articles, { title: 'Race', content: 'One wins.' }, key, { proxy: at % 2 ? other : stack.proxy }),
      ),
    );
    assert.equal(await count(), before + 1);
    const ran = answers.filter(({ status, isReplayed }) => status === 200 && !isReplayed);
    assert.equal(ran.length, 1);
    for (const answer of answers) {
      if (answer.status === 200) assert.equal(answer.text, ran[0]?.text);
      else assert.deepEqual([answer.status, answer.code], [409, 'idempotency_in_progress']);
    }
  });

  it('that could not be read leaves the key free, and so does a key that cannot be read', async () => {
    const key = randomUUID();
    assert.equal((await post(articles, { title: 7 }, key)).status, 400);
    assert.equal((await post(articles, { title: 'Read', content: 'Now.' }, key)).status, 200);
    const wrong = await post(articles, { title: 'Read', content: 'Now.' }, 'a b');
    assert.deepEqual([wrong.status, wrong.code], [400, 'invalid_request']);
  });

  it('is taken over where its process has ended, and held while it runs', async () => {
    const key = randomUUID();
    const article = { title: 'Killed', content: 'In the middle.' };
    await post(articles, article, key);
    // As a process leaves it that is killed.
    const latest = `key_digest = (select key_digest from chaperone.idempotent_answers order by expires_at desc limit 1)`;
    await owner.query(`update chaperone.idempotent_answers set status = null, answer_encrypted = null where ${latest}`);
    assert.equal((await post(articles, article, key)).code, 'idempotency_in_progress');
    await owner.query(
      `update chaperone.idempotent_answers set held_until = now() - interval '1 second' where ${latest}`,
    );
    assert.equal((await post(articles, { title: 'Other', content: 'x' }, key)).code, 'idempotency_key_reused');
    const again = await post(articles, article, key);
    assert.deepEqual([again.status, again.isReplayed], [200, false]);
    assert.deepEqual(await post(articles, article, key), { ...again, isReplayed: true });
  });

  it('is kept sealed, for a day, and then removed', async () => {
    const key = `key-${randomUUID()}`;
    const article = { title: 'Sealed', content: 'Nobody reads this.' };
    const { text } = await post(articles, article, key);
    const { rows } = await owner.query(
      `select a::text as row, extract(epoch from expires_at - now()) / 3600 as hours
       from chaperone.idempotent_answers a order by expires_at desc limit 1`,
    );
    const id: string = JSON.parse(text).article_id;
    for (const telling of [id, key, 'Sealed']) {
      for (const written of [telling, Buffer.from(telling).toString('hex')]) assert.ok(!rows[0].row.includes(written));
    }
    assert.ok(rows[0].hours > 23.9 && rows[0].hours <= 24);
    const left = async () =>
      Number((await owner.query('select count(*) from chaperone.idempotent_answers')).rows[0].count);
    const all = await left();
    await owner.query(`update chaperone.idempotent_answers set expires_at = now() where expires_at =
      (select max(expires_at) from chaperone.idempotent_answers)`);
    // Past its day, the key is free, whether it was removed or not.
    assert.equal((await post(articles, { title: 'Other', content: 'Other.' }, key)).status, 200);
    await owner.query('update chaperone.idempotent_answers set expires_at = now()');
    assert.equal(await deletePast(owner, 'idempotent answers'), all);
    assert.equal(await left(), 0);
  });
});
