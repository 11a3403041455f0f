import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { assertShape, fields } from './shape.ts';

const written = fields({ article_id: 'string', status: 'string', indexed: 'boolean', created_at: 'time' });
const problem = fields({
  error: fields({ code: 'string', message: 'string', details: fields({}), request_id: 'string' }),
});

/** The knowledge base of contract 2, as a user who reads it would go through it. */
describe('the contract of customer support, as a story: the knowledge base', () => {
  const scope = suiteScope();
  let stack: Stack;
  let database: Client;
  let admin: string;
  let member: string;
  before(async () => {
    stack = await startStack(scope, { ownProcess: true });
    database = await connect(scope, stack.database.url);
    admin = await stack.sign({ user: 'ada', roles: ['admin'] });
    member = await stack.sign({ user: 'ben', roles: ['member'] });
  });

  const ask = async (method: string, path: string, body?: unknown, token: string | null = admin) => {
    const answer = await fetch(new URL(`/api/v1/knowledge-base${path}`, stack.baseUrl), {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) as any };
  };
  const search = async (query: string, token = member): Promise<string[]> => {
    const { status, body } = await ask('POST', '/search', { query }, token);
    assert.equal(status, 200);
    return body.results.map(({ article_id: id }: { article_id: string }) => id);
  };
  const guide = {
    title: 'Password Reset Guide',
    content:
      'Step-by-step instructions for resetting your password:\n\n# By mail\nChoose Forgot Password. We send a link.',
    category: 'account-management',
    tags: ['password', 'security', 'login'],
    metadata: { author: 'support_team', last_updated: '2026-01-12' },
  };
  let id: string;

  it('adds an article that the next search finds', async () => {
    const { status, body } = await ask('POST', '', guide);
    assert.equal(status, 200);
    assertShape(body, written);
    assert.match(body.article_id, /^kb_/);
    assert.deepEqual([body.status, body.indexed, body.version], ['published', true, 1]);
    id = body.article_id;
    for (const query of ['How do I reset my password?', 'forgott passwrd', 'account management']) {
      assert.deepEqual(await search(query), [id], query);
    }
    const { body: found } = await ask('POST', '/search', { query: 'link by mail' });
    assert.equal(found.results[0].passage, 'Choose Forgot Password. We send a link.');
    assert.equal(found.results[0].title, guide.title);
  });

  it('reads and lists it', async () => {
    const { body } = await ask('GET', `/${id}`, undefined, member);
    const { title, content, category, tags, metadata } = body;
    assert.deepEqual({ title, content, category, tags, metadata }, guide);
    for (const [query, total] of [
      ['', 1],
      ['?category=account-management&tag=login&status=published&language=en', 1],
      ['?category=billing', 0],
      ['?tag=none', 0],
    ] as const) {
      const { body: listed } = await ask('GET', query, undefined, member);
      assert.deepEqual([listed.total, listed.limit, listed.offset, listed.articles.length], [total, 100, 0, total]);
    }
  });

  it('updates it, keeps what is left out, and keeps the former version', async () => {
    const { body } = await ask('POST', '', { article_id: id, content: 'Ask your administrator for a new passphrase.' });
    assert.deepEqual([body.article_id, body.version], [id, 2]);
    assert.deepEqual(await search('administrator'), [id]);
    assert.deepEqual(await search('mail'), []);
    const [latest, former] = await Promise.all([ask('GET', `/${id}`), ask('GET', `/${id}?version=1`)]);
    assert.deepEqual([latest.body.title, latest.body.version], [guide.title, 2]);
    assert.deepEqual([former.body.content, former.body.version], [guide.content, 1]);
    const { body: listed } = await ask('GET', `/${id}/versions`);
    assert.deepEqual(
      listed.versions.map(({ version }: { version: number }) => version),
      [2, 1],
    );
  });

  it('shows drafts to nobody but those who see the organization', async () => {
    await ask('POST', '', { article_id: id, status: 'draft' });
    assert.deepEqual(await search('administrator', admin), []);
    assert.equal((await ask('GET', `/${id}`)).body.indexed, false);
    assert.deepEqual((await ask('GET', '?status=draft')).body.total, 1);
    assert.equal((await ask('GET', `/${id}`, undefined, member)).status, 404);
    assert.equal((await ask('GET', '', undefined, member)).body.total, 0);
    await ask('POST', '', { article_id: id, status: 'published' });
    assert.deepEqual(await search('administrator'), [id]);
  });

  it('stores no sentence in clear', async () => {
    const { rows } = await database.query<{ count: number }>(
      `select count(*)::integer as count
       from chaperone.knowledge_versions where position('passphrase'::bytea in article_encrypted) > 0`,
    );
    assert.equal(rows[0]?.count, 0);
    const { rows: audited } = await database.query<{ entry: string }>(
      `select entry::text as entry from chaperone.audit_log where entry::text like '%Article/kb_%'`,
    );
    assert.ok(audited.length >= 4);
    for (const { entry } of audited) assert.doesNotMatch(entry, /passphrase|Reset Guide|support_team/);
  });

  it('refuses in the words of the contract', async () => {
    const missing = await ask('POST', '', { title: 'No content' });
    assertShape(missing.body, problem);
    assert.equal(missing.status, 400);
    assert.equal(missing.body.error.request_id, missing.headers.get('x-request-id'));
    const { code, message, details } = missing.body.error;
    assert.deepEqual(
      { code, message, details },
      {
        code: 'invalid_request',
        message: 'Missing required field: content',
        details: { field: 'content', expected: 'string' },
      },
    );
    const noQuery = await ask('POST', '/search', {});
    assert.equal(noQuery.body.error.message, 'Missing required field: query');
    assert.equal(noQuery.body.error.details.expected, 'string');
    for (const [status, expected, answer] of [
      [400, 'invalid_request', ask('POST', '', { ...guide, tags: 'login' })],
      [400, 'invalid_request', ask('POST', '', { ...guide, language: 'English' })],
      [401, 'invalid_credentials', ask('GET', '', undefined, null)],
      [401, 'invalid_credentials', ask('GET', '', undefined, 'YOUR_API_KEY')],
      [403, 'role_required', ask('POST', '', guide, member)],
      [403, 'role_required', ask('DELETE', `/${id}`, undefined, member)],
      [404, 'article_not_found', ask('GET', '/kb_0')],
      [404, 'article_not_found', ask('POST', '', { article_id: 'kb_0', title: 'x' })],
      [404, 'article_not_found', ask('DELETE', '/kb_0')],
      [404, 'route_not_found', ask('GET', '/a/b/c')],
    ] as const) {
      const { status: got, body } = await answer;
      assertShape(body, problem);
      assert.deepEqual([got, body.error.code], [status, expected]);
    }
  });

  it('deletes it with everything that was known of it', async () => {
    const { status, body } = await ask('DELETE', `/${id}`);
    assert.deepEqual([status, body], [200, { article_id: id, deleted: true }]);
    assert.equal((await ask('GET', `/${id}`)).status, 404);
    assert.deepEqual(await search('administrator'), []);
    const { rows } = await database.query<{ count: number }>(
      `select ((select count(*) from chaperone.knowledge_versions) + (select count(*) from chaperone.knowledge_passages)
         + (select count(*) from chaperone.knowledge_terms where passages > 0))::integer as count`,
    );
    assert.equal(rows[0]?.count, 0);
  });
});
