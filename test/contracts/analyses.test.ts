import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { startWorker } from '../../worker/worker.ts';
import { connect } from '../database/tenant.ts';
import { makeDirectory, replaceFile } from '../directories.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { assertShape, fields, list, orNull } from './shape.ts';

const queued = {
  id: 'string',
  conversationId: 'uuid',
  branchId: 'string',
  status: 'string',
  message: 'string',
} as const;
const shown = {
  id: 'string',
  conversationId: 'uuid',
  branchId: 'string',
  status: 'string',
  content: orNull('string'),
  metadata: orNull(fields({ totalTokens: 'integer', processingTime: 'integer', model: 'string' })),
  createdAt: 'time',
  updatedAt: 'time',
  completedAt: orNull('time'),
} as const;
const details = fields({ domain: 'string', accountId: 'string', messageCount: 'integer', totalTokens: 'integer' });

const templateOf = (name: string, template: object) => ({
  apiVersion: 'chaperone.dev/v1alpha1',
  kind: 'AnalysisConfig',
  metadata: { name },
  spec: { organizationRef: { name: 'acme' }, name, template },
});

/** Contract 4 from its first chapter to its last, as a user who reads it would go through it. */
describe('the contract of analyses, as a story', () => {
  const scope = suiteScope();
  let stack: Stack;
  let database: Client;
  let conversationId: string;
  before(async () => {
    stack = await startStack(scope, { ownProcess: true });
    database = await connect(scope, stack.database.url);
    conversationId = await talk('What is our refund policy?');
  });

  const talk = async (content: string): Promise<string> => {
    const client = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, maxRetries: 0 });
    const { response } = await client.chat.completions
      .create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] }, { headers: { 'X-User-ID': 'ada' } })
      .withResponse();
    return response.headers.get('x-conversation-id') ?? '';
  };

  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string | undefined> = { 'x-api-key': stack.token },
  ) => {
    const all = { 'content-type': body === undefined ? undefined : 'application/json', ...headers };
    const answer = await fetch(new URL(`/api/analyses${path}`, stack.baseUrl), {
      method,
      headers: Object.fromEntries(
        Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return { status: answer.status, body: JSON.parse(await answer.text()) as any };
  };
  const read = (id = conversationId) => ask('GET', `/${id}/main`);
  const readEnded = (id = conversationId) =>
    until(
      async () => {
        const { body } = await read(id);
        return ['completed', 'failed'].includes(body.status) && body;
      },
      'the analysis to end',
      60_000,
    );

  it('needs a key, in any of three headers', async () => {
    for (const headers of [{}, { 'x-api-key': 'your-api-key' }]) {
      const { status, body } = await ask('GET', `/${conversationId}/main`, undefined, headers);
      assert.deepEqual([status, body.error.code], [401, 'unauthorized']);
    }
    for (const headers of [
      { 'x-api-key': stack.token },
      { 'x-dashboard-key': stack.token },
      { authorization: `Bearer ${stack.token}` },
    ]) {
      const { status, body } = await ask('GET', `/${conversationId}/main`, undefined, headers);
      assert.deepEqual([status, body.error.code], [404, 'analysis_not_found']);
    }
  });

  it('says what does not exist', async () => {
    const unknown = '123e4567-e89b-12d3-a456-426614174000';
    const created = await ask('POST', '', { conversationId: unknown, branchId: 'main' });
    assert.equal(created.status, 404);
    assert.equal(created.body.error.code, 'conversation_not_found');
    assert.equal(created.body.error.message, `Conversation ${unknown} with branch main not found`);
    const otherBranch = await ask('POST', '', { conversationId, branchId: 'branch-00000000' });
    assert.equal(
      otherBranch.body.error.message,
      `Conversation ${conversationId} with branch branch-00000000 not found`,
    );
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/regenerate'],
      ['GET', '/history'],
    ] as const) {
      for (const id of [unknown, conversationId]) {
        const { status, body } = await ask(method, `/${id}/main${path}`);
        assert.equal(status, 404);
        const message = `No analysis found for conversation ${id} branch main`;
        assert.deepEqual(body, { error: { code: 'analysis_not_found', message } });
      }
    }
  });

  it('says which parameters are wrong', async () => {
    for (const body of [
      {},
      { conversationId },
      { conversationId: 'abc', branchId: 'main' },
      { conversationId, branchId: '' },
      { conversationId, branchId: 'main', other: 1 },
      { conversationId, branchId: 'main', template: '' },
    ]) {
      const { status, body: answer } = await ask('POST', '', body);
      assert.deepEqual([status, answer.error.code], [400, 'invalid_params']);
    }
    const { status, body } = await ask('POST', '', { conversationId, branchId: 'main', template: 'unknown' });
    assert.deepEqual([status, body.error.code], [404, 'analysis_config_not_found']);
  });

  it('creates an analysis, once', async () => {
    const { status, body } = await ask('POST', '', { conversationId, branchId: 'main' });
    assert.equal(status, 201);
    assertShape(body, fields(queued));
    assert.deepEqual([body.conversationId, body.branchId], [conversationId, 'main']);
    assert.deepEqual([body.status, body.message], ['pending', 'Analysis queued for processing']);
    const again = await ask('POST', '', { conversationId, branchId: 'main' });
    assert.equal(again.status, 409);
    const message = `Analysis already exists for conversation ${conversationId} branch main`;
    const existing = { analysisId: body.id, status: 'pending' };
    assert.deepEqual(again.body, { error: { code: 'analysis_exists', message, details: existing } });
    const anew = await ask('POST', `/${conversationId}/main/regenerate`);
    assert.deepEqual([anew.status, anew.body], [409, again.body]);
    const pending = await read();
    assert.equal(pending.status, 200);
    assertShape(pending.body, fields({ ...shown, conversationDetails: details }));
    const { content, metadata, completedAt } = pending.body;
    assert.deepEqual([content, metadata, completedAt], [null, null, null]);
  });

  it('creates one of two at the same time', async () => {
    const other = await talk('Two at once');
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => ask('POST', '', { conversationId: other, branchId: 'main' })),
    );
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [201, 409, 409, 409]);
  });

  it('is made by a worker', async () => {
    const worker = await startWorker({
      databaseUrl: (await readFile(`${stack.workerCredentials}/database-url`, 'utf8')).trim(),
      credentialsDirectory: stack.workerCredentials,
      dataDirectory: await makeDirectory(scope),
      upstreamUrl: stack.upstreamUrl,
      metricsHost: '127.0.0.1',
      metricsPort: 0,
      log: pino({ level: 'warn' }),
    });
    atEnd(scope, worker.stop);
    const body = await readEnded();
    assertShape(body, fields({ ...shown, content: 'string', completedAt: 'time', conversationDetails: details }));
    assert.equal(body.status, 'completed');
    assert.ok(body.content.length > 0);
    assert.ok(body.metadata.totalTokens > 0);
    assert.equal(body.conversationDetails.accountId, 'ada');
    assert.equal(body.conversationDetails.domain, 'acme');
    assert.equal(body.conversationDetails.messageCount, 2);
    assert.ok(body.conversationDetails.totalTokens > 0);
    const again = await ask('POST', '', { conversationId, branchId: 'main' });
    assert.deepEqual([again.status, again.body.error.details], [409, { analysisId: body.id, status: 'completed' }]);
  });

  it('its calls are of the kind analysis, and what they cost is its cost', async () => {
    const { body } = await read();
    const { requestIds, costUsd, totalTokens } = body.metadata;
    const { rows } = await until(async () => {
      const found = await database.query(
        `select kind, cost_usd::float8 as "costUsd", total_tokens::float8 as "totalTokens"
         from chaperone.requests where request_id = any ($1)`,
        [requestIds],
      );
      return found.rows.length === requestIds.length && found;
    }, 'the records of the calls');
    assert.deepEqual(rows, [{ kind: 'analysis', costUsd, totalTokens }]);
    assert.ok(costUsd > 0);
  });

  it('stores nothing in the clear', async () => {
    const { body } = await read();
    const { rows } = await database.query<{ row: string; content: Buffer }>(
      'select a::text as row, content_encrypted as content from chaperone.conversation_analyses a where content_encrypted is not null',
    );
    assert.ok(rows.length > 0);
    for (const { row, content } of rows) {
      assert.doesNotMatch(`${row} ${content}`, /refund|Executive/i);
      assert.ok(!content.includes(body.content));
    }
  });

  it('regenerates it, and keeps the former one', async () => {
    const former = (await read()).body.id;
    const { status, body } = await ask('POST', `/${conversationId}/main/regenerate`);
    assert.equal(status, 201);
    assertShape(body, fields({ ...queued, previousAnalysisId: 'string' }));
    assert.deepEqual([body.status, body.message], ['pending', 'Analysis regeneration queued for processing']);
    assert.equal(body.previousAnalysisId, former);
    const ended = await readEnded();
    assert.deepEqual([ended.id, ended.status], [body.id, 'completed']);
    const history = await ask('GET', `/${conversationId}/main/history`);
    assertShape(history.body, fields({ analyses: list(fields(shown)), total: 'integer' }));
    assert.deepEqual(
      history.body.analyses.map(({ id, status }: { id: string; status: string }) => [id, status]),
      [
        [body.id, 'completed'],
        [former, 'completed'],
      ],
    );
    const paged = await ask('GET', `/${conversationId}/main/history?limit=1&offset=1`);
    assert.deepEqual([paged.body.total, paged.body.analyses[0].id], [2, former]);
    const technical = await ask('POST', `/${conversationId}/main/regenerate`, { template: 'technical' });
    assert.deepEqual([technical.status, technical.body.template], [201, 'technical']);
    assert.equal((await readEnded()).template, 'technical');
  });

  it('creates several in one request', async () => {
    const other = await talk('One of several');
    const unknown = '123e4567-e89b-12d3-a456-426614174000';
    const items = [other, conversationId, unknown].map((id) => ({ conversationId: id, branchId: 'main' }));
    const { status, body } = await ask('POST', '/bulk', { items });
    assert.deepEqual([status, body.queued, body.refused], [200, 1, 2]);
    const [first, second, third] = body.items;
    assertShape(first, fields(queued));
    assert.equal(first.conversationId, other);
    assert.deepEqual([second.conversationId, second.error.code], [conversationId, 'analysis_exists']);
    assert.deepEqual(third, {
      ...{ conversationId: unknown, branchId: 'main' },
      error: {
        code: 'conversation_not_found',
        message: `Conversation ${unknown} with branch main not found`,
        details: { param: 'branch' },
      },
    });
    assert.equal((await readEnded(other)).status, 'completed');
    for (const wrong of [{}, { items: [] }, { items: Array(101).fill(items[0]) }, { items: [{}] }]) {
      const refused = await ask('POST', '/bulk', wrong);
      assert.deepEqual([refused.status, refused.body.error.code], [400, 'invalid_params']);
    }
  });

  it('takes templates of the organization', async () => {
    const put = (name: string, template: object) =>
      replaceFile(join(stack.directory, `${name}.yaml`), stringify(templateOf(name, template)));
    await put('promises', { type: 'custom', instructions: 'List every promise.' });
    await put('technical', { type: 'technical', instructions: 'Mention all ports.', model: 'gpt-4o' });
    const made = await until(async () => {
      const { status, body } = await ask('POST', `/${conversationId}/main/regenerate`, { template: 'promises' });
      return status === 201 && body;
    }, 'the template to be in force');
    assert.equal(made.template, 'promises');
    const custom = await readEnded();
    assert.match(custom.content, /List every promise\./);
    assert.doesNotMatch(custom.content, /Executive Summary/);
    const technical = await until(async () => {
      await ask('POST', `/${conversationId}/main/regenerate`, { template: 'technical' });
      const ended = await readEnded();
      return ended.content.includes('Mention all ports.') && ended;
    }, 'the template that takes the place of a built-in one');
    assert.match(technical.content, /## Technical Summary[\s\S]*Mention all ports\./);
    assert.match(technical.metadata.model, /^gpt-4o(?!-mini)/);
    const configs = await fetch(`${stack.baseUrl}/analysis/configs`, { headers: { 'x-api-key': stack.token } });
    assert.doesNotMatch(await configs.text(), /promises/);
  });

  it('shows a member only what is about its own conversations', async () => {
    const as = { 'x-api-key': await stack.sign({ user: 'bob', roles: ['member'] }) };
    const foreign = await ask('GET', `/${conversationId}/main`, undefined, as);
    assert.deepEqual([foreign.status, foreign.body.error.code], [404, 'analysis_not_found']);
    const created = await ask('POST', '', { conversationId, branchId: 'main' }, as);
    assert.deepEqual([created.status, created.body.error.code], [404, 'conversation_not_found']);
    const own = { 'x-api-key': await stack.sign({ user: 'ada', roles: ['member'] }) };
    assert.equal((await ask('GET', `/${conversationId}/main`, undefined, own)).status, 200);
  });
});
