import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { type GovernedStack, startGovernedStack } from '../../quota/governed-stack.ts';
import { type Ask, makeAsk } from './ask.ts';

const spec = `
surfaces: [chat, responses, completions, embeddings, audio, images, messages, batches, files]
models:
  allow: ["gpt-*", "text-embedding-3-*", "whisper-1", priceless]
  deny: ["*-audio-preview*", "gpt-3*"]
  aliases: [{name: fast, model: gpt-4o-mini}, {name: old, model: o3}]
  ceilings: [{name: short, match: {users: [bounded]}, maxOutputTokens: 50}]
providers:
  - {name: openai, type: openai, models: [{name: "gpt-4*", as: gpt-4o}, {name: "text-*"}, {name: whisper-1}, {name: gpt-5}, {name: priceless}, {name: "gpt-image-*"}]}
limits:
  - {name: twice, per: User, match: {users: [twice]}, requests: {count: 2, window: 24h}}
  - {name: few-tokens, per: User, match: {users: [short]}, tokens: {count: 300, window: 24h}}
  - {name: watched, per: User, match: {users: [watched]}, tokens: {count: 1, window: 24h}, action: Report}
budgets:
  - {name: pennies, per: User, match: {users: [poor]}, amountUsd: "0.000001"}
  - {name: shorter, per: User, match: {users: [shorter]}, amountUsd: "0.001", onShortfall: Shorten}
  - {name: priced, per: User, match: {users: [strict]}, amountUsd: "5"}
tiers: [{users: [tiered], tier: free}]
guardrails:
  - {name: no-project, action: Block, appliesTo: Input, words: {words: [nightingale]}}
  - {name: mail, action: Redact, appliesTo: Both, pii: {kinds: [email]}}
  - {name: outgoing, action: Block, appliesTo: Output, words: {words: [hidden]}, match: {operations: [chat]}}
`;

const said = (content: string) => [{ role: 'user', content }];
const hello = { model: 'gpt-4o-mini', messages: said('Hello') };
type Case = readonly [name: string, user: string, operation: string, path: string, body: object, decides?: string];

/** Calls of every kind, and what of which resource decides about those that are refused. */
const cases: readonly Case[] = [
  ['a chat', 'ada', 'chat', '/chat/completions', hello],
  ['a streamed chat', 'ada', 'chat', '/chat/completions', { ...hello, stream: true }],
  ['a response', 'ada', 'responses', '/responses', { model: 'gpt-5', input: 'Hello' }],
  ['an embedding', 'ada', 'embeddings', '/embeddings', { model: 'text-embedding-3-small', input: 'Hello' }],
  ['an image', 'ada', 'image_generations', '/images/generations', { model: 'gpt-image-1', prompt: 'A cat' }],
  ['a message', 'ada', 'messages', '/messages', { ...hello, max_tokens: 20 }],
  ['a denied model', 'ada', 'chat', '/chat/completions', { ...hello, model: 'gpt-3.5-turbo' }, 'spec.models.deny[1]'],
  ['an unlisted model', 'ada', 'responses', '/responses', { model: 'o3', input: 'Hi' }, 'spec.models.allow'],
  [
    'a model that no key serves',
    'ada',
    'chat',
    '/chat/completions',
    { ...hello, model: 'gpt-6' },
    'spec.providers[0].models',
  ],
  [
    'a completion of such a model',
    'ada',
    'completions',
    '/completions',
    { model: 'gpt-6', prompt: 'Hi' },
    'spec.providers[0].models',
  ],
  ['an API that is not served', 'ada', 'moderations', '/moderations', { input: 'Hi' }, 'spec.surfaces'],
  [
    'a model in a tool',
    'ada',
    'responses',
    '/responses',
    { model: 'gpt-5', input: 'Hi', tools: [{ type: 'image_generation', model: 'dall-e-3' }] },
    'spec.models.allow',
  ],
  ['no model', 'ada', 'chat', '/chat/completions', { messages: [] }],
  ['a model that is no text', 'ada', 'chat', '/chat/completions', { model: 5, messages: [] }],
  ['no messages', 'ada', 'chat', '/chat/completions', { model: 'gpt-4o' }],
  ['a chat in the background', 'ada', 'chat', '/chat/completions', { ...hello, background: true }],
  ['another spelling of a field', 'ada', 'chat', '/chat/completions', { ...hello, Model: 'gpt-4' }],
  [
    'an unknown persona',
    'ada',
    'chat',
    '/chat/completions',
    { ...hello, persona_id: '6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a11' },
  ],
  ['a persona by its name', 'ada', 'chat', '/chat/completions', { ...hello, persona_id: 'helper' }],
  [
    'a response that nobody made',
    'ada',
    'responses',
    '/responses',
    { model: 'gpt-5', input: 'Hi', previous_response_id: 'resp_0' },
  ],
  [
    'a file that nobody uploaded',
    'ada',
    'batches',
    '/batches',
    { input_file_id: 'file-0', endpoint: '/v1/chat/completions', completion_window: '24h' },
  ],
  [
    'a word that a guardrail blocks',
    'ada',
    'chat',
    '/chat/completions',
    { ...hello, messages: said('Project Nightingale') },
    'spec.guardrails[0]',
  ],
  [
    'a blocked word in a message',
    'ada',
    'messages',
    '/messages',
    { ...hello, max_tokens: 9, messages: said('nightingale') },
    'spec.guardrails[0]',
  ],
  [
    'text that is redacted',
    'ada',
    'chat',
    '/chat/completions',
    { ...hello, messages: said('Write to ann@example.com') },
  ],
  ['a call within a limit', 'twice', 'chat', '/chat/completions', hello],
  ['the last call of a limit', 'twice', 'chat', '/chat/completions', hello],
  ['a call beyond a limit', 'twice', 'chat', '/chat/completions', hello, 'spec.limits[0]'],
  [
    'another API beyond it',
    'twice',
    'embeddings',
    '/embeddings',
    { model: 'text-embedding-3-small', input: 'Hi' },
    'spec.limits[0]',
  ],
  ['more tokens than are left', 'short', 'chat', '/chat/completions', { ...hello, max_tokens: 400 }, 'spec.limits[1]'],
  ['as many tokens as are left', 'short', 'chat', '/chat/completions', { ...hello, max_tokens: 100 }],
  ['what only a report counts', 'watched', 'chat', '/chat/completions', hello],
  ['a budget that is too small', 'poor', 'chat', '/chat/completions', { ...hello, max_tokens: 50 }, 'spec.budgets[0]'],
  ['a message beyond a budget', 'poor', 'messages', '/messages', { ...hello, max_tokens: 50 }, 'spec.budgets[0]'],
  ['an answer that a budget shortens', 'shorter', 'chat', '/chat/completions', { ...hello, max_tokens: 4_000 }],
  [
    'a model without a price',
    'strict',
    'chat',
    '/chat/completions',
    { ...hello, model: 'priceless' },
    'spec.budgets[2]',
  ],
  ['a call of a tier', 'tiered', 'chat', '/chat/completions', hello],
  ['an alias', 'ada', 'chat', '/chat/completions', { ...hello, model: 'fast' }],
  [
    'an alias of a model that is not allowed',
    'ada',
    'responses',
    '/responses',
    { model: 'old', input: 'Hi' },
    'spec.models.allow',
  ],
  [
    'more than a ceiling',
    'bounded',
    'chat',
    '/chat/completions',
    { ...hello, max_tokens: 60 },
    'spec.models.ceilings[0]',
  ],
  ['as much as a ceiling', 'bounded', 'messages', '/messages', { ...hello, max_tokens: 50 }],
  ['a user who is deactivated', 'gone', 'chat', '/chat/completions', hello, 'is_active'],
];

/** Times pass between an explanation and a call. */
const timeless = (message: string) => message.replace(/in (\d+h)?(\d+m)?\d+s, at \S+/, 'later');

describe('POST /v1/explain', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  let ask: Ask;
  let member: string;
  const explain = (body: object, headers: Record<string, string> = {}) => ask('POST', '/explain', body, headers);
  const count = async (table: string) => (await stack.owner.query(`select count(*)::int as n from ${table}`)).rows[0].n;
  let answered = 0;
  const kept = async () => [await count('chaperone.quota_leases'), await count('chaperone.quota_counters')];

  before(async () => {
    stack = await startGovernedStack(scope);
    ask = makeAsk(stack);
    member = await stack.sign({ roles: ['member'] });
    await stack.state(spec);
    const made = await ask('POST', '/users', { user_id: 'gone' });
    await ask('PATCH', `/users/${made.body.id}`, { is_active: false });
    await until(
      async () => (await explain({ operation: 'chat', body: hello, user_id: 'gone' })).body.outcome === 'refused',
      'the user to be deactivated',
    );
  });

  for (const [name, user, operation, path, body, decides] of cases) {
    it(`tells what becomes of ${name}`, async () => {
      const { status, body: told } = await explain({ path: `/v1${path}`, body, user_id: user });
      assert.equal(status, 200, JSON.stringify(told));
      assert.equal(told.operation, operation);
      const response = await fetch(`${stack.baseUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': user, 'anthropic-version': '2023-06-01' },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      assert.equal(told.error?.status ?? 200, response.status, `${JSON.stringify(told)} ${text}`);
      if (response.ok) {
        answered += 1;
        assert.equal(told.outcome, 'allowed');
        assert.deepEqual(told.decided_by, []);
        assert.ok(told.route.some((choice: { chosen: boolean }) => choice.chosen));
        return;
      }
      const { error } = JSON.parse(text);
      assert.equal(timeless(told.error.message), timeless(error.message));
      if (error.code !== undefined) assert.deepEqual([told.error.code, told.error.param], [error.code, error.param]);
      assert.deepEqual(
        told.decided_by.map(({ field }: { field: string }) => field),
        decides === undefined ? [] : [decides],
      );
      const results = told.steps.map(({ result }: { result: string }) => result);
      assert.equal(results.filter((result: string) => result === 'refused').length, 1);
    });
  }

  it('takes nothing, sends nothing, records nothing', async () => {
    await until(async () => (await count('chaperone.requests')) === answered, 'all records to be there');
    await until(async () => {
      const { body: told } = await explain({ operation: 'chat', body: hello, user_id: 'tiered' });
      return told.rules[0].remaining === 99;
    }, 'what was leased ahead to be given back');
    const before = await kept();
    const upstream = `${stack.upstreamUrl.replace(/\/v1$/, '')}/sandbox/calls`;
    const sent = await (await fetch(upstream)).text();
    const limited = await stack.metric('chaperone_limited_calls_total');
    for (const [, user, , path, body] of cases) await explain({ path: `/v1${path}`, body, user_id: `${user}-2` });
    for (let again = 0; again < 3; again += 1) {
      const { body: told } = await explain({ operation: 'chat', body: hello, user_id: 'tiered' });
      const [rule] = told.rules;
      assert.deepEqual(
        [rule.name, rule.decided_by.field, rule.limit, rule.remaining],
        ['free', 'spec.tiers[0]', 100, 99],
      );
    }
    assert.deepEqual(await kept(), before);
    assert.equal(await count('chaperone.requests'), answered);
    assert.equal(await (await fetch(upstream)).text(), sent);
    assert.deepEqual(await stack.metric('chaperone_limited_calls_total'), limited);
  });

  it('shows the way of the call: its key, the rules and guardrails, the bounds and the times', async () => {
    const { body: told } = await explain({
      operation: 'chat',
      body: { ...hello, messages: said('Write to ann@example.com'), max_tokens: 100 },
      user_id: 'short',
      session_id: 'sess_of_mine',
    });
    assert.deepEqual([told.outcome, told.user_id, told.session_id], ['allowed', 'short', 'sess_of_mine']);
    const [choice] = told.route;
    assert.deepEqual([choice.provider, choice.model, choice.state, choice.chosen], ['openai', 'gpt-4o', 'well', true]);
    const [rule] = told.rules;
    assert.deepEqual(
      [rule.name, rule.unit, rule.limit, rule.per, rule.scope],
      ['few-tokens', 'tokens', 300, 'User', 'short'],
    );
    assert.equal(rule.remaining, rule.limit - rule.used - rule.reserved);
    assert.deepEqual(
      told.guardrails.map(({ name, finds }: { name: string; finds: boolean | null }) => [name, finds]),
      [
        ['no-project', false],
        ['mail', true],
        ['outgoing', null],
      ],
    );
    assert.equal(told.bounds.output_tokens, 100);
    assert.ok(told.bounds.cost_usd > 0 && told.timeouts.headers_ms > 0 && told.retries.attempts > 0);
    assert.ok(!JSON.stringify(told).includes('ann@example.com'));
  });

  it('names the persona of the call', async () => {
    const { body: listed } = await ask('GET', '/personas');
    const [{ id, name }] = listed.personas;
    const { body: told } = await explain({ operation: 'chat', body: { ...hello, persona_id: id } });
    assert.equal(told.outcome, 'allowed');
    const step = told.steps.find(({ check }: { check: string }) => check === 'persona');
    assert.equal(step.detail, `persona ${name}`);
    assert.match(step.decided_by[0].resource, /^Persona\/default\//);
  });

  it('needs only a model where that decides, and says what is wrong with the question', async () => {
    const refused = await explain({ operation: 'chat', model: 'gpt-3.5-turbo' });
    assert.deepEqual(
      [refused.body.error.code, refused.body.decided_by[0].field],
      ['model_not_allowed', 'spec.models.deny[1]'],
    );
    assert.equal((await explain({ operation: 'messages', model: 'gpt-4o' })).body.outcome, 'allowed');
    for (const [question, param] of [
      [{ operation: 'chatting' }, 'operation'],
      [{ path: '/v1/chat' }, 'path'],
      [{}, 'operation'],
      [{ operation: 'chat', namespace: 'elsewhere' }, 'namespace'],
    ] as const) {
      const { status, body } = await explain(question);
      assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', param]);
    }
  });

  it('tells what the cache does, and counts what a hit counts', async () => {
    await stack.state(`${spec}\ncache: {match: {operations: [chat, responses]}}`);
    const question = { ...hello, messages: said('A question for the cache, from ann@example.com') };
    const search = { ...hello, web_search_options: {} };
    const asks: readonly (readonly [path: string, body: object, result: string, field: string, because?: RegExp])[] = [
      ['/chat/completions', question, 'miss', 'spec.cache'],
      ['/chat/completions', question, 'hit', 'spec.cache'],
      ['/chat/completions', { ...question, seed: 1 }, 'miss', 'spec.cache'],
      ['/chat/completions', search, 'bypass', 'spec.cache', /^it has web_search_options$/],
      ['/responses', { model: 'gpt-5', input: 'Hi' }, 'bypass', 'spec.cache', /store: false/],
      ['/responses', { model: 'gpt-5', input: 'Hi', store: false }, 'miss', 'spec.cache'],
      ['/embeddings', { model: 'text-embedding-3-small', input: 'Hi' }, 'bypass', 'spec.cache.match', /does not match/],
    ];
    for (const [path, body, result, field, because = /^null$/] of asks) {
      const { body: told } = await explain({ path: `/v1${path}`, body, user_id: 'watched' });
      assert.equal(told.cache.result, result, JSON.stringify(told));
      assert.match(String(told.cache.because), because);
      const step = told.steps.find(({ check }: { check: string }) => check === 'cache');
      assert.deepEqual([step.result, step.decided_by[0].field], ['passed', field]);
      assert.equal(told.rules.length, result === 'hit' ? 0 : 1);
      assert.deepEqual([told.bounds === null, told.timeouts === null], [result === 'hit', result === 'hit']);
      const response = await fetch(`${stack.baseUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'watched', accept: 'application/json' },
        body: JSON.stringify(body),
      });
      await response.arrayBuffer();
      assert.deepEqual([response.status, response.headers.get('x-cache')], [200, result]);
    }
    await stack.state(spec);
  });

  it('lets a member ask about own calls alone', async () => {
    const as = { authorization: `Bearer ${member}`, 'x-user-id': 'twice' };
    const { body: own } = await explain({ operation: 'chat', body: hello }, as);
    assert.deepEqual([own.user_id, own.decided_by[0].field], ['twice', 'spec.limits[0]']);
    assert.equal((await explain({ operation: 'chat', body: hello, user_id: 'twice' }, as)).status, 200);
    for (const question of [{ user_id: 'ada' }, { namespace: 'default', workload: 'web' }]) {
      const { status, body } = await explain({ operation: 'chat', body: hello, ...question }, as);
      assert.deepEqual([status, body.error.code], [403, 'role_required']);
    }
  });
});
