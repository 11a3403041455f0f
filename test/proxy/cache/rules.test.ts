import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { before, beforeEach, describe, it } from 'node:test';
import { replaceFile } from '../../directories.ts';
import { recordOf } from '../../recorded-call.ts';
import { suiteScope } from '../../scope.ts';
import { sendJson } from '../../scripted-provider.ts';
import { until } from '../../until.ts';
import { answerAnything, type CachedStack, completion, type PostOptions, startCachedStack } from './cached-stack.ts';

const chat = '/chat/completions';
let number = 0;
const newChat = (changes: object = {}) => {
  number += 1;
  return { model: 'gpt-4o-mini', messages: [{ role: 'user', content: `Question ${number}` }], ...changes };
};

/** How the cache follows the configuration, and what it does when others fail. */
describe('a cache of answers', () => {
  const scope = suiteScope();
  let stack: CachedStack;

  before(async () => {
    stack = await startCachedStack(scope, { proxies: 2, ownDatabase: true });
  });
  beforeEach(() => {
    stack.provider.answer = answerAnything;
  });

  const statuses = async (body: object, ...calls: PostOptions[]) => {
    const found: (string | null)[] = [];
    for (const call of calls) {
      const { status, cache, text } = await stack.post(chat, body, call);
      assert.equal(status, 200, text);
      found.push(cache);
    }
    return found;
  };
  const onlyIfCached = { headers: { 'cache-control': 'only-if-cached' } };
  const storedBytes = async () => {
    const { rows } = await stack.owner.query(
      `select coalesce(sum(bytes), 0)::integer as bytes, count(*)::integer as count,
         coalesce((select c.bytes from chaperone.cached_bytes c), 0)::integer as counted
       from chaperone.cached_answers`,
    );
    return rows[0];
  };
  /** Waits until another proxy can replay the call's answer. */
  const kept = (body: object, options: PostOptions = {}) =>
    until(async () => {
      const { status } = await stack.post(chat, body, { ...options, ...onlyIfCached, at: 1 });
      return status === 200;
    }, 'the answer to be kept');

  it('is not there unless it is stated', async () => {
    await stack.state('');
    assert.deepEqual(await statuses(newChat(), {}, {}), [null, null]);
    const { rows } = await stack.owner.query('select count(*)::integer as count from chaperone.answer_leases');
    assert.equal(rows[0].count, 0);
  });

  it('replays answers to other users where it says so', async () => {
    await stack.state('cache: {scope: Organization}');
    const body = newChat();
    assert.deepEqual(await statuses(body, { user: 'ann' }, { user: 'eve' }), ['miss', 'hit']);
    // A user's own key is another account, whose answers are not for others.
    assert.deepEqual(await statuses(body, { user: 'alice@example.com' }), ['miss']);
    assert.deepEqual(await statuses({ ...newChat(), user: 'x' }, { user: 'ann' }), ['miss']);
  });

  it('is only for the calls that match', async () => {
    await stack.state('cache: {match: {models: ["gpt-4o*"], operations: [chat], users: ["a*"]}}');
    assert.deepEqual(await statuses(newChat(), { user: 'ann' }, { user: 'ann' }), ['miss', 'hit']);
    assert.deepEqual(await statuses(newChat(), { user: 'eve' }), ['bypass']);
    assert.deepEqual(await statuses(newChat({ model: 'gpt-5' }), { user: 'ann' }), ['bypass']);
    const embedding = await stack.post('/embeddings', { model: 'gpt-4o', input: 'Hi' }, { user: 'ann' });
    assert.equal(embedding.cache, 'bypass');
  });

  it('says in the status that it is for no call', async () => {
    await stack.state('{models: {allow: [gpt-4o-mini]}, cache: {match: {models: [o1]}}}');
    await until(async () => stack.log().includes('CacheForNoCall'), 'the condition');
  });

  it('asks again after an edit of the persona, of a guardrail, or of the provider', async () => {
    const guardrails = (word: string) =>
      `{cache: {}, guardrails: [{name: words, action: Block, appliesTo: Output, words: {words: [${word}]}}]}`;
    await stack.state(guardrails('one'));
    const body = newChat();
    assert.deepEqual(await statuses(body, {}, {}), ['miss', 'hit']);
    await stack.state(guardrails('two'));
    assert.deepEqual(await statuses(body, {}, {}), ['miss', 'hit']);
    await stack.state(guardrails('one'));
    // What the former rules let pass is what they would let pass again.
    assert.deepEqual(await statuses(body, {}), ['hit']);

    const { rows } = await stack.owner.query(`select persona_id from chaperone.personas where name = 'Support Agent'`);
    const asked = { ...newChat(), persona_id: rows[0].persona_id };
    assert.deepEqual(await statuses(asked, {}, {}), ['miss', 'hit']);
    const file = join(stack.directory, 'personas.yaml');
    const text = await readFile(file, 'utf8');
    await replaceFile(file, text.replace('Be friendly and brief.', 'Be brief.'));
    await until(async () => (await stack.post(chat, asked)).cache === 'miss', 'the edit to be in force');
  });

  it('judges a replayed answer again, and gives each caller their own values back', async () => {
    await stack.state(
      '{cache: {scope: Organization}, guardrails: [{name: mail, action: Redact, restore: true, pii: {kinds: [email]}}]}',
    );
    stack.provider.answer = (response, { body }) => {
      const [message] = Array.isArray(body.messages) ? body.messages : [];
      sendJson(response, completion({ content: `You said: ${message?.content}` }));
    };
    const body = newChat({ messages: [{ role: 'user', content: 'I am ann@example.com' }] });
    const first = await stack.post(chat, body, { user: 'ann' });
    const second = await stack.post(chat, body, { user: 'ann' });
    assert.deepEqual([first.cache, second.cache], ['miss', 'hit']);
    for (const { text } of [first, second]) assert.match(text, /You said: I am ann@example\.com/);
    const { rows } = await stack.owner.query('select answer_encrypted from chaperone.cached_answers');
    for (const { answer_encrypted } of rows) assert.ok(!answer_encrypted.includes('You said'));
    // Another user's placeholder is another one, so this is another call.
    assert.deepEqual(await statuses(body, { user: 'eve' }), ['miss']);
  });

  it('keeps nothing that a guardrail blocks', async () => {
    await stack.state(
      '{cache: {}, guardrails: [{name: w, action: Block, appliesTo: Output, words: {words: [Answer]}}]}',
    );
    const body = newChat();
    for (const _ of [1, 2]) {
      const { status, cache } = await stack.post(chat, body);
      assert.deepEqual([status, cache], [400, 'miss']);
    }
    assert.equal((await stack.post(chat, body, onlyIfCached)).status, 504);
  });

  it('lets an exhausted budget refuse no replay, and counts each as a request', async () => {
    await stack.state(
      '{cache: {}, budgets: [{name: b, amountUsd: "0.0009", window: Total, per: User}], limits: [{name: l, per: User, requests: {count: 4, window: 1h}}]}',
    );
    const body = newChat({ max_tokens: 1_000 });
    assert.deepEqual(await statuses(body, { user: 'poor' }), ['miss']);
    const refused = await stack.post(chat, newChat({ max_tokens: 1_000 }), { user: 'poor' });
    assert.deepEqual([refused.status, refused.cache], [429, 'miss']);
    assert.deepEqual(await statuses(body, { user: 'poor' }, { user: 'poor' }, { user: 'poor' }), ['hit', 'hit', 'hit']);
    const limited = await stack.post(chat, body, { user: 'poor' });
    assert.deepEqual([limited.status, limited.cache], [429, 'hit']);
    assert.match(limited.text, /limit_reached/);
  });

  it('deletes the oldest answers beyond its size', async () => {
    await stack.state('cache: {maxBytes: 1048576, maxEntryBytes: 400000}');
    await stack.owner.query('truncate chaperone.cached_answers, chaperone.cached_bytes');
    stack.provider.answer = (response) => sendJson(response, completion({ content: 'x'.repeat(300_000) }));
    const bodies = [newChat(), newChat(), newChat(), newChat(), newChat()];
    for (const body of bodies) {
      await statuses(body, {});
      await kept(body);
      const { bytes, counted } = await storedBytes();
      assert.ok(bytes <= 1_048_576, `${bytes} bytes`);
      assert.equal(counted, bytes);
    }
    assert.equal((await storedBytes()).count, 3);
  });

  it('replays nothing that is older than its ttl', async () => {
    await stack.state('cache: {ttl: 2h}');
    const body = newChat();
    await statuses(body, {});
    await kept(body);
    await stack.owner.query(`update chaperone.cached_answers set kept_at = now() - interval '90 minutes'`);
    // The memory of the proxies goes with the next configuration.
    await stack.state('cache: {ttl: 2h, maxEntryBytes: 5000}');
    const old = await stack.post(chat, body);
    assert.equal(old.cache, 'hit');
    assert.ok(Number(old.headers.get('age')) >= 5_400);
    assert.deepEqual(await statuses(body, { headers: { 'cache-control': 'max-age=5000' } }), ['miss']);
    await until(async () => {
      const { rows } = await stack.owner.query(
        `select from chaperone.cached_answers where kept_at > now() - interval '1 minute'`,
      );
      return rows.length > 0;
    }, 'the newer answer to be kept');
    await stack.owner.query(`update chaperone.cached_answers set kept_at = now() - interval '90 minutes'`);
    await stack.state('cache: {ttl: 1h}');
    assert.deepEqual(await statuses(body, {}), ['miss']);
  });

  it('lets another proxy ask after the one that asked was killed', async () => {
    await stack.state('cache: {}');
    const body = newChat();
    const held: ServerResponse[] = [];
    stack.provider.answer = (response) => held.push(response);
    const lost = stack.post(chat, body, { at: 1 }).catch(() => 'lost');
    await until(() => held.length === 1, 'the first proxy to ask');
    const waiting = stack.post(chat, body);
    stack.provider.answer = answerAnything;
    process.kill(stack.proxies[1]?.pid() ?? assert.fail(), 'SIGKILL');
    assert.equal(await lost, 'lost');
    const { status, cache } = await waiting;
    assert.deepEqual([status, cache], [200, 'miss']);
  });

  it('is a miss while the database is away, and replays what it remembers', async () => {
    await stack.state('cache: {}');
    const known = newChat();
    assert.deepEqual(await statuses(known, {}), ['miss']);
    await stack.database.stop();
    const body = newChat();
    assert.deepEqual(await statuses(known, {}), ['hit']);
    assert.deepEqual(await statuses(body, {}, {}), ['miss', 'hit']);
    assert.equal((await stack.post(chat, newChat(), onlyIfCached)).status, 504);
    const answered = await stack.post(chat, body);
    await stack.database.start();
    const { Client } = await import('pg');
    const owner = new Client({ connectionString: stack.database.url });
    await owner.connect();
    scope.after(() => owner.end());
    const row = await recordOf(owner, answered.headers.get('x-request-id'));
    assert.deepEqual([row.cache_status, Number(row.cost_usd)], ['hit', 0]);
  });
});
