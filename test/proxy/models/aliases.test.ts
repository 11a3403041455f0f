import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { Client } from 'pg';
import { recordOf } from '../../recorded-call.ts';
import { atEnd, suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from '../routing/providers.ts';
import { answerAll } from './scripted-answers.ts';

const aliases = [
  { name: 'fast', model: 'gpt-4.1', users: ['eve'] },
  { name: 'fast', model: 'gpt-4o-mini', levels: { quality: 'gpt-4o', speed: 'gpt-4.1-nano' } },
  { name: 'ears', model: 'whisper-1' },
  { name: 'writer', model: 'claude-sonnet-4-6' },
  { name: 'secret', model: 'o3' },
  { name: 'gpt-4o', model: 'gpt-4o', levels: { speed: 'gpt-4o-mini' } },
];
const gpt = ['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'gpt-4.1-nano'].map((id) => ({
  id,
  object: 'model',
  created: 1_700_000_000,
  owned_by: 'openai',
}));
const claude = [
  { type: 'model', id: 'claude-sonnet-4-6', display_name: 'Claude Sonnet 4.6', created_at: '2026-02-17T00:00:00Z' },
];

/** Names that stand for models, through the front door, with the SDKs of both vendors. */
describe('an alias', () => {
  const scope = suiteScope();
  let routed: Routed<'openai' | 'anthropic'>;
  let database: Client;
  let anthropic: Anthropic;
  before(async () => {
    routed = await startRouted(scope, {
      providers: {
        openai: { type: 'openai', models: [{ name: 'gpt-*' }, { name: 'whisper-1' }, { name: 'o3' }] },
        anthropic: { type: 'anthropic', models: [{ name: 'claude-*' }] },
      },
      spec: { models: { deny: ['o3'], aliases } },
    });
    routed.providers.openai.answer = answerAll(gpt);
    routed.providers.anthropic.answer = answerAll(claude);
    database = new Client({ connectionString: routed.database.url });
    await database.connect();
    atEnd(scope, () => database.end());
    const { baseUrl, token } = routed;
    const baseURL = baseUrl.replace(/\/v1$/, '');
    anthropic = new Anthropic({ baseURL, apiKey: token, defaultHeaders: { 'X-User-ID': 'bob' }, maxRetries: 0 });
  });
  beforeEach(() => routed.forget());

  const post = (path: string, body: string | FormData, headers: Record<string, string> = {}) =>
    fetch(routed.baseUrl + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob', ...headers },
      body,
    });
  const sentModels = () =>
    [...routed.providers.openai.requests, ...routed.providers.anthropic.requests].map(({ body }) => body.model);
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Hi' }];
  const chat = (model: string, headers: Record<string, string> = {}) =>
    routed.client.chat.completions.create({ model, messages }, { headers }).withResponse();

  const said: Anthropic.MessageParam[] = [{ role: 'user', content: 'Hi' }];
  const written = { max_tokens: 100, messages: said };
  const ways: readonly (readonly [what: string, call: () => PromiseLike<unknown>, model: string])[] = [
    ['a chat', () => chat('fast'), 'gpt-4o-mini'],
    [
      'a streamed chat',
      async () => {
        const stream = await routed.client.chat.completions.create({ model: 'fast', messages, stream: true });
        for await (const { model } of stream) assert.equal(model, 'gpt-4o-mini');
      },
      'gpt-4o-mini',
    ],
    ['a chat that is carried to Anthropic', () => chat('writer'), 'claude-sonnet-4-6'],
    ['a response', () => routed.client.responses.create({ model: 'fast', input: 'Hi' }), 'gpt-4o-mini'],
    ['a compaction', () => routed.client.responses.compact({ model: 'fast', input: 'Hi' }), 'gpt-4o-mini'],
    [
      'a count of tokens',
      () => routed.client.responses.inputTokens.count({ model: 'fast', input: 'Hi' }),
      'gpt-4o-mini',
    ],
    ['a completion', () => routed.client.completions.create({ model: 'fast', prompt: 'Hi' }), 'gpt-4o-mini'],
    ['an embedding', () => routed.client.embeddings.create({ model: 'fast', input: 'Hi' }), 'gpt-4o-mini'],
    ['a moderation', () => routed.client.moderations.create({ model: 'fast', input: 'Hi' }), 'gpt-4o-mini'],
    ['an image', () => routed.client.images.generate({ model: 'fast', prompt: 'A cat' }), 'gpt-4o-mini'],
    ['a message', () => anthropic.messages.create({ model: 'writer', ...written }), 'claude-sonnet-4-6'],
    [
      'a message that is carried to OpenAI',
      () => anthropic.messages.create({ model: 'fast', ...written }),
      'gpt-4o-mini',
    ],
    [
      'a count of the tokens of a message',
      () => anthropic.messages.countTokens({ model: 'writer', messages: said }),
      'claude-sonnet-4-6',
    ],
  ];
  for (const [what, call, model] of ways) {
    it(`stands for its model in ${what}`, async () => {
      await call();
      assert.deepEqual(sentModels(), [model]);
    });
  }

  it('stands for its model in a form, wherever the model is', async () => {
    for (const order of [
      ['model', 'file'],
      ['file', 'model'],
    ]) {
      routed.forget();
      const form = new FormData();
      for (const field of order) form.append(field, field === 'model' ? 'ears' : new File(['sound'], 'a.wav'));
      const answered = await post('/audio/transcriptions', form);
      assert.deepEqual([answered.status, answered.headers.get('x-chaperone-model')], [200, 'whisper-1']);
      assert.match(routed.providers.openai.requests[0]?.text ?? '', /name="model"\r\n\r\nwhisper-1\r\n/);
    }
  });

  it('stays in the record beside its model, and the answer says which model it was', async () => {
    const { data, response } = await chat('fast', { 'X-Optimization-Level': 'quality' });
    assert.deepEqual([data.model, response.headers.get('x-chaperone-model')], ['gpt-4o', 'gpt-4o']);
    const row = await recordOf(database, response.headers.get('x-request-id'));
    assert.deepEqual([row.model_alias, row.requested_model, row.optimization_level], ['fast', 'gpt-4o', 'quality']);
    assert.notEqual(row.cost_usd, null);
    const metrics = await (await fetch(`http://127.0.0.1:${routed.proxy.metricsPort}/metrics`)).text();
    assert.match(
      metrics,
      /chaperone_model_alias_calls_total\{alias="fast",gen_ai_request_model="gpt-4o",level="quality"/,
    );
  });

  it('stands for its model in an analysis, too', async () => {
    const { data } = await chat('gpt-4.1');
    routed.forget();
    const config = { model: 'fast', analysis_type: 'intent', categories: [{ name: 'billing' }] };
    const json = { 'content-type': 'application/json', 'x-optimization-level': 'quality' };
    const answered = await post('/analysis', JSON.stringify({ id: data.id, config }), json);
    const analysis = JSON.parse(await answered.text());
    assert.deepEqual([answered.status, analysis.model_used ?? analysis.metadata?.model_used], [200, 'gpt-4o']);
    assert.deepEqual(sentModels(), ['gpt-4o']);
    const { rows } = await until(async () => {
      const found = await database.query("select * from chaperone.requests where kind = 'analysis'");
      return found.rows.length > 0 && found;
    }, 'the record of the analysis');
    assert.deepEqual([rows[0].model_alias, rows[0].requested_model], ['fast', 'gpt-4o']);
  });

  it('is explained by the field that decides', async () => {
    const asked = JSON.stringify({ operation: 'chat', body: { model: 'fast', messages } });
    const headers = { 'content-type': 'application/json', 'x-optimization-level': 'speed' };
    const explanation = JSON.parse(await (await post('/explain', asked, headers)).text());
    const step = explanation.steps.find(({ check }: { check: string }) => check === 'alias');
    assert.deepEqual(
      [explanation.outcome, step.detail, step.decided_by],
      [
        'allowed',
        'fast stands for gpt-4.1-nano',
        [{ resource: 'Organization/acme', field: 'spec.models.aliases[1].levels.speed' }],
      ],
    );
  });

  it('is nothing to a call that names a model', async () => {
    const body = JSON.stringify({ model: 'gpt-4.1', messages, seed: 1 }).replace(
      '"seed":1',
      '"seed": 12345678901234567890',
    );
    const answered = await post('/chat/completions', body);
    assert.deepEqual([answered.status, answered.headers.get('x-chaperone-model')], [200, null]);
    assert.equal(routed.providers.openai.requests[0]?.text, body);
    const row = await recordOf(database, answered.headers.get('x-request-id'));
    assert.deepEqual([row.model_alias, row.optimization_level], [null, null]);
  });

  it('leaves everything else of the body as it is, digit by digit', async () => {
    const body = `{"model":"fast","messages":${JSON.stringify(messages)},"seed":12345678901234567890}`;
    await post('/chat/completions', body);
    assert.equal(routed.providers.openai.requests[0]?.text, body.replace('"fast"', '"gpt-4o-mini"'));
  });

  const levels: readonly (readonly [name: string, level: string | undefined, model: string])[] = [
    ['fast', undefined, 'gpt-4o-mini'],
    ['fast', 'quality', 'gpt-4o'],
    ['fast', 'balanced', 'gpt-4o-mini'],
    ['fast', ' SPEED ', 'gpt-4.1-nano'],
    ['gpt-4o', 'speed', 'gpt-4o-mini'],
    ['gpt-4o', undefined, 'gpt-4o'],
    ['gpt-4.1', 'speed', 'gpt-4.1'],
  ];
  for (const [name, level, model] of levels) {
    it(`${name} is ${model} where the level is ${level}`, async () => {
      await chat(name, level === undefined ? {} : { 'X-Optimization-Level': level });
      assert.deepEqual(sentModels(), [model]);
    });
  }

  it('says which levels there are', async () => {
    await assert.rejects(chat('fast', { 'X-Optimization-Level': 'cheap' }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.deepEqual([error.code, error.param], ['invalid_header', 'X-Optimization-Level']);
      assert.match(error.message, /must be quality, balanced or speed/);
      return true;
    });
    assert.deepEqual(sentModels(), []);
  });

  it('may be another model for a user', async () => {
    await chat('fast', { 'X-User-ID': 'eve' });
    assert.deepEqual(sentModels(), ['gpt-4.1']);
  });

  it('opens no model that is not allowed', async () => {
    await assert.rejects(chat('secret'), (error) => {
      assert.ok(error instanceof OpenAI.PermissionDeniedError);
      assert.equal(error.code, 'model_not_allowed');
      assert.match(error.message, /the model "o3", for which "secret" stands/);
      return true;
    });
  });

  it('is listed with its model, in the form of each vendor', async () => {
    const ids = (await routed.client.models.list()).data.map(({ id }) => id);
    assert.deepEqual(ids.sort(), ['claude-sonnet-4-6', 'ears', 'fast', ...gpt.map(({ id }) => id), 'writer'].sort());
    const one: OpenAI.Model & { root?: string } = await routed.client.models.retrieve('fast');
    assert.deepEqual([one.id, one.root, one.object, one.owned_by], ['fast', 'gpt-4o-mini', 'model', 'openai']);
    const listed: Anthropic.ModelInfo[] = [];
    for await (const model of anthropic.models.list({ limit: 3 })) listed.push(model);
    assert.deepEqual(listed.map(({ id }) => id).sort(), ids.sort());
    const known = listed.find(({ id }) => id === 'claude-sonnet-4-6');
    assert.deepEqual(known, {
      ...claude[0],
      // What this provider does not say, as the SDK's type has it.
      ...{ capabilities: null, max_input_tokens: null, max_tokens: null, line: null },
      ...{ lifecycle: 'active', deprecated_at: null, retires_at: null },
    });
    const shown = listed.find(({ id }) => id === 'gpt-4.1');
    assert.deepEqual([shown?.type, shown?.created_at], ['model', '2023-11-14T22:13:20.000Z']);
    const writer = await anthropic.models.retrieve('writer');
    assert.deepEqual([writer.id, writer.display_name], ['writer', 'Claude Sonnet 4.6']);
    const [first] = await fetchPage('limit=2');
    assert.equal(first?.has_more, true);
    const page = await anthropic.models.list({ limit: 2, before_id: listed[3]?.id ?? '' });
    assert.deepEqual(
      page.data.map(({ id }) => id),
      listed.slice(1, 3).map(({ id }) => id),
    );
    assert.equal(page.has_more, true);
  });

  const fetchPage = async (query: string) => {
    const answered = await fetch(`${routed.baseUrl}/models?${query}`, {
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob', 'anthropic-version': '2023-06-01' },
    });
    return [JSON.parse(await answered.text()), answered.status] as const;
  };

  it('lists no page that cannot be', async () => {
    for (const limit of ['0', '1001', 'many']) assert.equal((await fetchPage(`limit=${limit}`))[1], 400, limit);
  });

  it('changes with the next call after an edit', async () => {
    await routed.edit({ models: { aliases: [{ name: 'fast', model: 'gpt-4.1' }] } });
    await until(async () => (await chat('fast')).response.headers.get('x-chaperone-model') === 'gpt-4.1', 'the edit');
    await routed.edit({ models: { deny: ['o3'], aliases } });
    await until(
      async () => (await chat('fast')).response.headers.get('x-chaperone-model') === 'gpt-4o-mini',
      'the edit',
    );
  });
});
