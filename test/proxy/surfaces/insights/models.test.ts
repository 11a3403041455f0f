import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import {
  type ProviderRequest,
  type ScriptedProvider,
  sendJson,
  sendStream,
  startScriptedProvider,
} from '../../../scripted-provider.ts';
import { until } from '../../../until.ts';
import { type Insights, startInsights } from './insights-stack.ts';

const usage = { prompt_tokens: 25, completion_tokens: 130, total_tokens: 155 };
const strictest = { models: ['gpt-4o'] };
const spec = {
  'models.allow': ['gpt-4o*', 'gpt-4.1', 'text-embedding-3-*'],
  'models.defaultAlias': 'gpt4o_financial',
  'models.aliases': [
    { name: 'embeddings', model: 'text-embedding-3-large' },
    { name: 'gpt4o_financial', model: 'gpt-4o', complianceLevel: 'financial', capabilities: ['text_generation'] },
    { name: 'mini', model: 'gpt-4o-mini' },
    { name: 'denied', model: 'gpt-3.5-turbo' },
    { name: 'of-bob', model: 'gpt-4.1', users: ['bob'] },
  ],
  guardrails: [
    { name: 'words', action: 'Block', appliesTo: 'Input', words: { words: ['forbidden'] } },
    { name: 'gossip', action: 'Report', match: strictest, words: { words: ['gossip'] } },
    { name: 'addresses', action: 'Redact', match: strictest, pii: { kinds: ['email'] } },
  ],
};

/** `/api/v1/ai` through the front door, with a provider that says what the test wants. */
describe('models', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let insights: Insights;
  let db: Client;
  let ann: string;
  before(async () => {
    provider = await startScriptedProvider(scope);
    insights = await startInsights(scope, spec, { upstreamUrl: provider.url });
    db = await connect(scope, insights.stack.database.url);
    ann = await insights.stack.sign({ user: 'ann', roles: ['member'] });
  });

  const ask = (path: string, body: object) => insights.ask('POST', `/ai/${path}`, body, { token: ann });
  const lastAsked = () => provider.requests.at(-1)?.body ?? assert.fail('nobody asked');
  const say = (content: string, finish_reason = 'stop') => {
    provider.answer = (response) =>
      sendJson(response, {
        ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'gpt-4o-2024-11-20', usage },
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason }],
      });
  };
  const kindsOf = async (operation: string) => {
    const sql = 'select kind, status, requested_model from chaperone.requests where operation = $1';
    return (await db.query(sql, [operation])).rows;
  };

  it('are listed by alias, without those that cannot be called', async () => {
    const { status, body } = await insights.ask('GET', '/ai/providers', undefined, { token: ann });
    assert.equal(status, 200, JSON.stringify(body));
    const shared = { provider: 'openai', compliance_level: null, is_default: false };
    assert.deepEqual(body.data, {
      providers: [
        { ...shared, id: 'embeddings', model: 'text-embedding-3-large', capabilities: ['embeddings'] },
        {
          ...{ id: 'gpt4o_financial', provider: 'openai', model: 'gpt-4o', compliance_level: 'financial' },
          ...{ capabilities: ['text_generation'], is_default: true },
        },
        { ...shared, id: 'mini', model: 'gpt-4o-mini', capabilities: ['text_generation', 'classification'] },
      ],
      default_provider: 'gpt4o_financial',
    });
    const bob = await insights.stack.sign({ user: 'bob', roles: ['member'] });
    const ofBob = (await insights.ask('GET', '/ai/providers', undefined, { token: bob })).body.data.providers;
    assert.ok(ofBob.some(({ id }: { id: string }) => id === 'of-bob'));
  });

  it('write a text in a call of the user, with what the document says', async () => {
    say('Thank you for your interest.');
    const { status, body, headers } = await ask('generate', {
      prompt: 'Write a response about premium cards.',
      ...{ max_tokens: 500, temperature: 0.7, system_prompt: 'You are helpful.', stream: false },
      context: { customer_segment: 'premium' },
    });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.data, {
      ...{ generated_text: 'Thank you for your interest.', usage, model: 'gpt-4o-2024-11-20', finish_reason: 'stop' },
      compliance_check: { passed: true, flags: [] },
    });
    assert.deepEqual(lastAsked(), {
      ...{ model: 'gpt-4o', max_tokens: 500, temperature: 0.7 },
      messages: [
        { role: 'system', content: 'You are helpful.' },
        { role: 'user', content: 'Context:\n{"customer_segment":"premium"}' },
        { role: 'user', content: 'Write a response about premium cards.' },
      ],
    });
    assert.match(headers.get('x-rate-limit-remaining') ?? '', /^\d+$/);
    const [record] = await until(async () => {
      const rows = await kindsOf('chat');
      return rows.length > 0 && rows;
    }, 'the record');
    assert.deepEqual(record, { kind: 'call', status: 'completed', requested_model: 'gpt-4o' });
  });

  it('name the guardrails that found something, and are refused by those that block', async () => {
    say('No gossip here; write to desk@example.com.');
    const flagged = await ask('generate', { prompt: 'Hello', model: 'gpt4o_financial' });
    assert.deepEqual(flagged.body.data.compliance_check, { passed: false, flags: ['gossip', 'addresses'] });
    assert.doesNotMatch(flagged.body.data.generated_text, /desk@example.com/);
    const blocked = await ask('generate', { prompt: 'Say the forbidden word' });
    assert.deepEqual([blocked.status, blocked.body.code], [400, 'guardrail_blocked']);
    assert.equal(blocked.body.details.guardrail, 'words');
    const denied = await ask('generate', { prompt: 'Hello', model: 'denied' });
    assert.deepEqual([denied.status, denied.body.code], [403, 'model_not_allowed']);
  });

  it('are asked with the newer name of a bound that they want', async () => {
    provider.answer = (response, { body }) => {
      if (!('max_tokens' in body)) {
        say('Short', 'length');
        return provider.answer(response, {} as ProviderRequest);
      }
      const message = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
      return sendJson(response, { error: { message, param: 'max_tokens' } }, 400);
    };
    const { status, body } = await ask('generate', { prompt: 'Hello', max_tokens: 5 });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.data.finish_reason, 'length');
    assert.equal(lastAsked().max_completion_tokens, 5);
  });

  const chunk = (delta: object, more: object = {}) =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-mini', choices: [{ index: 0, delta, finish_reason: null, ...more }] })}\n\n`;
  const eventsOf = (text: string) =>
    text
      .split('\n\n')
      .filter((event) => event.startsWith('event: '))
      .map((event) => {
        const [name = '', data = ''] = event.split('\n');
        return [name.slice('event: '.length), JSON.parse(data.slice('data: '.length))] as const;
      });

  it('write a text while it comes', async () => {
    provider.answer = async (response) => {
      const tokens = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-4o-mini', choices: [], usage };
      const end = [chunk({}, { finish_reason: 'stop' }), `data: ${JSON.stringify(tokens)}\n\n`, 'data: [DONE]\n\n'];
      await sendStream(response, [chunk({ role: 'assistant', content: 'Thank ' }), chunk({ content: 'you.' }), ...end]);
    };
    const { status, headers, body } = await ask('generate', { prompt: 'Hello', model: 'mini', stream: true });
    assert.deepEqual([status, headers.get('content-type')], [200, 'text/event-stream']);
    const events = eventsOf(body);
    const texts = events.filter(([name]) => name === 'delta').map(([, { text }]) => text);
    assert.equal(texts.join(''), 'Thank you.');
    const [last, done] = events.at(-1) ?? assert.fail();
    assert.deepEqual([last, done.error, done.data.generated_text], ['done', false, 'Thank you.']);
    assert.deepEqual(done.data.usage, usage);
  });

  it('are refused as any request before a stream begins, and by an event after that', async () => {
    const before = await ask('generate', { prompt: 'A forbidden word', model: 'mini', stream: true });
    assert.deepEqual([before.status, before.body.code], [400, 'guardrail_blocked']);
    provider.answer = (response) =>
      sendStream(response, [chunk({ role: 'assistant', content: 'Thank ' }), chunk({ content: 'y' })], { end: 'cut' });
    const { status, body } = await ask('generate', { prompt: 'Hello', model: 'mini', stream: true });
    assert.equal(status, 200);
    const [name, data] = eventsOf(body).at(-1) ?? assert.fail();
    assert.deepEqual([name, data.error, data.code], ['error', true, 'upstream_interrupted']);
  });

  it('make vectors as the provider has written them, in the order of the texts', async () => {
    provider.answer = (response) =>
      sendJson(response, {
        ...{ object: 'list', model: 'text-embedding-3-large', usage: { prompt_tokens: 9, total_tokens: 9 } },
        data: [
          { object: 'embedding', index: 1, embedding: [0.3, -0.4] },
          { object: 'embedding', index: 0, embedding: [0.0023729, 0.0078125] },
        ],
      });
    const { status, body } = await ask('embed', { texts: ['One', 'Two'], model: 'embeddings', dimensions: 2 });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.data, {
      embeddings: [
        [0.0023729, 0.0078125],
        [0.3, -0.4],
      ],
      ...{ model: 'text-embedding-3-large', dimensions: 2 },
      usage: { prompt_tokens: 9, completion_tokens: 0, total_tokens: 9 },
    });
    const { input, encoding_format: format, dimensions } = lastAsked();
    assert.deepEqual([input, format, dimensions], [['One', 'Two'], 'float', 2]);
    const less = await ask('embed', { texts: ['One', 'Two', 'Three'], model: 'embeddings' });
    assert.deepEqual([less.status, less.body.code], [502, 'upstream_invalid_response']);
  });

  const categories = ['account_access', 'transaction_issue', '__proto__', 'mail to desk@example.com'];

  it('say which category a text belongs to, by a strict schema', async () => {
    say('{"c1": 0.82, "c2": 0.02, "c4": 0.16}');
    const text = "I'm having trouble accessing my account.";
    const { status, body } = await ask('classify', { text, categories, model: 'gpt4o_financial' });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(Object.entries(body.data.classifications), [
      ['account_access', 0.82],
      ['mail to desk@example.com', 0.16],
      ['transaction_issue', 0.02],
      ['__proto__', 0],
    ]);
    assert.deepEqual([body.data.top_category, body.data.model], ['account_access', 'gpt-4o-2024-11-20']);
    const { response_format: format, messages } = lastAsked() as {
      response_format: { json_schema: { strict: boolean; schema: { required: string[] } } };
      messages: { content: string }[];
    };
    assert.deepEqual([format.json_schema.strict, format.json_schema.schema.required.length], [true, 4]);
    // A guardrail rewrites what goes to the provider, and the categories of the answer are the caller's own.
    assert.doesNotMatch(JSON.stringify(messages), /desk@example/);
    assert.match(messages[1]?.content ?? '', /^c1: "account_access"\n/);
    await until(async () => (await kindsOf('chat')).some(({ kind }) => kind === 'analysis'), 'the record');
  });

  it('are asked once more for categories, and no more', async () => {
    say('None of them.');
    const asked = provider.requests.length;
    const { status, body } = await ask('classify', { text: 'Hello', categories });
    assert.deepEqual([status, body.code, provider.requests.length - asked], [502, 'upstream_invalid_response', 2]);
  });

  const explain = (text: string, headers = {}) =>
    insights.ask('POST', '/ai/explain', { model_name: 'sentiment', data: { text } }, { token: ann, headers });

  it('are explained without a provider, with a picture for whoever has its address', async () => {
    const asked = provider.requests.length;
    const { status, body } = await explain('I am very <b>satisfied</b> with the quick approval.');
    assert.equal(status, 200, JSON.stringify(body));
    const { prediction, explanation } = body.data;
    assert.equal(provider.requests.length, asked);
    assert.deepEqual([explanation.method, explanation.exact, explanation.evaluations], ['shap', true, 256]);
    const sum = explanation.feature_importance.reduce(
      (total: number, { importance }: { importance: number }) => total + importance,
      explanation.base_value,
    );
    assert.ok(Math.abs(sum - explanation.output_value) < 1e-5, String(sum));
    const picture = await fetch(explanation.visualization_url);
    assert.equal(picture.status, 200);
    assert.equal(picture.headers.get('content-type'), 'image/svg+xml; charset=utf-8');
    assert.match(picture.headers.get('content-security-policy') ?? '', /^default-src 'none';.*sandbox$/);
    assert.match(picture.headers.get('cache-control') ?? '', /^private, max-age=3\d{3}$/);
    const svg = await picture.text();
    assert.match(svg, new RegExp(`Why ${prediction.sentiment}`));
    assert.match(svg, /&lt;b&gt;satisfied/);
    const other = await fetch(explanation.visualization_url.replace('content=A', 'content=B'));
    const { code } = (await other.json()) as { code: string };
    assert.deepEqual([other.status, code], [404, 'resource_not_found']);
    const secure = await explain('Great', { 'x-forwarded-proto': 'https' });
    assert.match(secure.body.data.explanation.visualization_url, /^https:\/\/127\.0\.0\.1:\d+\/api\/v1\/ai\//);
  });

  it('are explained with errors where there are many words, and only what there is', async () => {
    const long = await explain('The agent was friendly, but the queue was terrible and nobody said sorry. '.repeat(20));
    assert.equal(long.status, 200, JSON.stringify(long.body));
    const { exact, feature_importance: features } = long.body.data.explanation;
    assert.deepEqual([exact, features.length <= 100], [false, true]);
    assert.ok(features.some(({ error }: { error: number }) => error > 0));
    const german = await explain('Der Kundendienst hat mir sehr schnell geholfen.');
    assert.deepEqual([german.status, german.body.code], [422, 'language_unsupported']);
    const unknown = await ask('explain', { model_name: 'intent-prod', data: { text: 'Hello' } });
    assert.deepEqual([unknown.status, unknown.body.code], [404, 'model_not_found']);
    const wrong = await ask('explain', { model_name: 'sentiment', data: {}, explanation_method: 'lime' });
    assert.deepEqual(wrong.body.details, {
      ...{ 'data.text': 'Field is required', explanation_method: 'Field must be one of "shap"' },
    });
  });

  it('say of each field what is wrong', async () => {
    const refused = async (path: string, body: object) => (await ask(path, body)).body.details;
    assert.deepEqual(await refused('generate', { prompt: ' ', temperature: 3, max_tokens: 0, context: [] }), {
      ...{ prompt: 'Field must not be blank', temperature: 'Field must be at most 2' },
      ...{ max_tokens: 'Field must be at least 1', context: 'Field must be a JSON object' },
    });
    assert.deepEqual(await refused('embed', { texts: [] }), {
      ...{ model: 'Field is required', texts: 'Field must have at least 1 entries' },
    });
    assert.deepEqual(await refused('classify', { text: 'Hello', categories: ['one'], more: 1 }), {
      ...{ more: 'Field is not a known field', categories: 'Field must have at least 2 entries' },
    });
    const twice = await refused('classify', { text: 'Hello', categories: ['one', 'one'] });
    assert.match(twice.categories, /duplicate/);
  });
});
