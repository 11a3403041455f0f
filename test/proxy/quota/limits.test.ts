import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { replaceFile } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type GovernedStack, refusalOf, startGovernedStack } from './governed-stack.ts';

const chat = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] } as const;

/** Limits and budgets through the front door: a real operator, a real proxy, PostgreSQL, the sandbox. */
describe('limits and budgets of an Organization', () => {
  const scope = suiteScope();
  let stack: GovernedStack;
  before(async () => {
    stack = await startGovernedStack(scope);
  });
  let rules = 0;
  /** A name that no other test has counted by. */
  const rule = () => {
    rules += 1;
    return `rule-${rules}`;
  };
  const call = (user = 'bob') => stack.client(user).chat.completions.create({ ...chat, messages: [...chat.messages] });

  it('let as many calls through as a limit says, and say on each answer how many are left', async () => {
    const name = rule();
    await stack.state(`limits: [{name: ${name}, requests: {count: 3, window: 24h}}]`);
    const left: (string | null)[] = [];
    for (let number = 0; number < 3; number += 1) {
      const { response } = await call().withResponse();
      left.push(response.headers.get('x-ratelimit-remaining-requests'));
      assert.equal(response.headers.get('x-ratelimit-limit-requests'), '3');
      assert.match(response.headers.get('x-ratelimit-reset-requests') ?? '', /^(\d+h)?(\d+m)?\d+s$/);
    }
    assert.deepEqual(left, ['2', '1', '0']);
    const refused = await refusalOf(call('eve'));
    assert.deepEqual([refused.status, refused.code, refused.type], [429, 'limit_reached', 'rate_limit_error']);
    assert.match(
      refused.message,
      new RegExp(`of the limit ${name} 0 of 3 calls are left. It begins anew in .*, at 20`),
    );
    assert.equal(refused.headers?.get('x-ratelimit-remaining-requests'), '0');
    assert.ok(Number(refused.headers?.get('retry-after')) >= 1);
    const [line = ''] = (await stack.metric('chaperone_limited_calls_total')).filter((each) =>
      each.includes(`"${name}"`),
    );
    assert.match(line, /kind="limit".*enforced="true".* 1$/);
  });

  const ways: readonly (readonly [name: string, path: string, body: object])[] = [
    ['a chat', '/chat/completions', chat],
    ['a chat that is streamed', '/chat/completions', { ...chat, stream: true }],
    ['a response', '/responses', { model: 'gpt-4o', input: 'Hi' }],
    ['a response that is streamed', '/responses', { model: 'gpt-4o', input: 'Hi', stream: true }],
    ['a completion', '/completions', { model: 'gpt-3.5-turbo-instruct', prompt: 'Hi' }],
    ['an embedding', '/embeddings', { model: 'text-embedding-3-small', input: 'Hi' }],
    ['an image', '/images/generations', { model: 'gpt-image-1', prompt: 'A cat' }],
    ['a form', '/audio/transcriptions', { model: 'whisper-1', file: new File(['x'], 'a.wav') }],
  ];
  for (const [name, path, body] of ways) {
    it(`count ${name}`, async () => {
      await stack.state(`limits: [{name: ${rule()}, requests: {count: 1, window: 24h}}]`);
      const post = () => {
        const isForm = Object.values(body).some((value) => value instanceof File);
        return fetch(`${stack.baseUrl}${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
          body: isForm ? formOf(body) : JSON.stringify(body),
        });
      };
      const [first, second] = [await post(), await post()];
      assert.deepEqual([first.status, second.status], [200, 429], await first.text());
      assert.equal(first.headers.get('x-ratelimit-remaining-requests'), '0');
    });
  }

  it('count each user alone, and match by model and user', async () => {
    await stack.state(`limits:
      - {name: ${rule()}, per: User, requests: {count: 1, window: 24h}, match: {models: ["gpt-4o-m*"], users: ["b*", "eve"]}}`);
    await call('bob');
    await call('eve');
    assert.equal((await refusalOf(call('bob'))).status, 429);
    await call('alice');
    await call('alice');
    await stack.client('bob').responses.create({ model: 'gpt-4o', input: 'Hi' });
  });

  it('reserve tokens by bounds, and count what was used', async () => {
    const name = rule();
    await stack.state(`limits: [{name: ${name}, tokens: {count: 10000, window: 24h}}]`);
    const { data, response } = await stack
      .client('bob')
      .chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 500 })
      .withResponse();
    const bound = 10_000 - Number(response.headers.get('x-ratelimit-remaining-tokens'));
    assert.ok(bound >= 500 && bound < 700, `${bound} tokens were reserved`);
    const used = data.usage?.total_tokens ?? 0;
    const after = await stack
      .client('bob')
      .chat.completions.create({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 500 })
      .withResponse();
    assert.equal(Number(after.response.headers.get('x-ratelimit-remaining-tokens')), 10_000 - used - bound);
    const refused = await refusalOf(
      stack.client('bob').chat.completions.create({ model: 'gpt-4o-mini', messages: [], max_tokens: 20_000 }),
    );
    assert.match(refused.message, /of the limit .* of 10000 tokens are left; this call may need 2\d{4}/);
    assert.equal((await refusalOf(call().then(() => Promise.reject(refused)))).status, 429);
    await until(
      async () => (await usedOf(name)) === used + (after.data.usage?.total_tokens ?? 0) + used,
      'the records',
    );
  });

  /** What the database has counted. */
  const usedOf = async (name: string) => {
    const { rows } = await stack.owner.query<{ used: string }>(
      `select sum(c.used) + coalesce(sum((select sum(settled) from chaperone.quota_leases l
         where l.organization_id = c.organization_id and l.counter_id = c.counter_id)), 0) as used
       from chaperone.quota_counters c where c.rule like '%/' || $1`,
      [name],
    );
    return Number(rows[0]?.used);
  };

  it('refuse what a budget does not pay for as insufficient_quota, which the SDK does not retry', async () => {
    const name = rule();
    await stack.state(`budgets: [{name: ${name}, amountUsd: "0.0001", window: Day}]`);
    const patient = stack.client('bob').withOptions({ maxRetries: 3 });
    const before = (await stack.metric('chaperone_refused_calls_total{code="insufficient_quota"')).join();
    const refused = await refusalOf(
      patient.chat.completions.create({ model: 'gpt-4o-mini', messages: [], max_tokens: 1_000 }),
    );
    assert.deepEqual([refused.status, refused.code, refused.type], [429, 'insufficient_quota', 'insufficient_quota']);
    assert.match(
      refused.message,
      new RegExp(`the budget ${name} 0.0001 of 0.0001 US dollars are left; this call may need 0.0006`),
    );
    assert.equal(refused.headers?.get('x-should-retry'), 'false');
    const after = (await stack.metric('chaperone_refused_calls_total{code="insufficient_quota"')).join();
    assert.equal(Number(after.split(' ')[1]) - Number(before.split(' ')[1] ?? 0), 1, 'one request alone');
    await stack.client('bob').chat.completions.create({ model: 'gpt-4o-mini', messages: [], max_tokens: 50 });
  });

  it('shorten answers to what a budget pays for, and say so', async () => {
    const name = rule();
    await stack.state(`budgets: [{name: ${name}, amountUsd: "0.0001", window: Total, onShortfall: Shorten}]`);
    const { data, response } = await stack
      .client('bob')
      .responses.create({ model: 'gpt-4o-mini', input: 'Hi', max_output_tokens: 5_000 })
      .withResponse();
    const allowed = Number(response.headers.get('x-chaperone-max-output-tokens'));
    assert.ok(allowed > 100 && allowed < 170, `${allowed} tokens cost a hundredth of a cent`);
    assert.equal(response.headers.get('x-chaperone-shortened-by'), name);
    assert.equal(data.max_output_tokens, allowed, 'the provider got it');
  });

  it('refuse calls without a known price by a budget that blocks, unless it allows them', async () => {
    const name = rule();
    const unknown = () =>
      stack
        .client('bob')
        .chat.completions.create({ model: 'gpt-of-nobody', messages: [{ role: 'user', content: 'Hi' }] });
    await stack.state(`budgets: [{name: ${name}, amountUsd: "10"}]`);
    const refused = await refusalOf(unknown());
    assert.deepEqual([refused.code, refused.param], ['insufficient_quota', 'model']);
    assert.match(
      refused.message,
      new RegExp(`The price of "gpt-of-nobody" is not known, so the budget ${name} refuses`),
    );
    const flex = stack.client('bob').responses.create({ model: 'gpt-5', input: 'Hi', service_tier: 'flex' });
    assert.equal((await refusalOf(flex)).code, 'insufficient_quota', 'a tier with other prices');
    // The provider does not know the model, either.
    await stack.state(`budgets: [{name: ${name}, amountUsd: "10", unpriced: Allow}]`);
    assert.equal((await refusalOf(unknown())).status, 404);
    await stack.state(`budgets: [{name: ${name}, amountUsd: "10", action: Warn}]`);
    assert.equal((await refusalOf(unknown())).status, 404);
  });

  it('only count what a rule reports', async () => {
    const name = rule();
    await stack.state(`limits: [{name: ${name}, action: Report, requests: {count: 1, window: 24h}}]`);
    for (let number = 0; number < 4; number += 1) await call();
    await until(async () => {
      await call();
      const lines = await stack.metric('chaperone_limited_calls_total');
      return lines.some((line) => line.includes(`"${name}"`) && line.includes('enforced="false"'));
    }, 'calls beyond it to be counted');
  });

  it('follow a limit that is raised and lowered', async () => {
    const name = rule();
    const limit = (count: number) => stack.state(`limits: [{name: ${name}, requests: {count: ${count}, window: 24h}}]`);
    await limit(1);
    await call();
    assert.equal((await refusalOf(call())).status, 429);
    await limit(2);
    await until(async () => (await call().catch(() => undefined)) !== undefined, 'the raise to be in force');
    assert.equal((await refusalOf(call())).status, 429);
    await limit(1);
    assert.equal((await refusalOf(call())).status, 429);
  });

  it('count each line of a batch, and refuse a batch that is too large as a whole', async () => {
    const batch = async () => {
      const line = (number: number) =>
        JSON.stringify({ custom_id: String(number), method: 'POST', url: '/v1/chat/completions', body: chat });
      const file = new File([[1, 2, 3].map(line).join('\n')], 'batch.jsonl');
      const client = stack.client('bob');
      const { id } = await client.files.create({ file, purpose: 'batch' });
      return client.batches
        .create({ input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' })
        .withResponse();
    };
    await stack.state(`limits: [{name: ${rule()}, requests: {count: 2, window: 24h}}]`);
    const refused = await refusalOf(batch());
    assert.deepEqual([refused.status, refused.code], [429, 'limit_reached']);
    await stack.state(`limits: [{name: ${rule()}, requests: {count: 5, window: 24h}}]`);
    const { response } = await batch();
    assert.equal(response.headers.get('x-ratelimit-remaining-requests'), '2');
  });

  it('reserve what the provider works on after its answer, and count once what it used', async () => {
    const name = rule();
    await stack.state(`limits: [{name: ${name}, tokens: {count: 10000, window: 24h}}]`);
    const responses = stack.client('bob').responses;
    const begun = await responses.create({
      ...{ model: 'gpt-4o', input: 'Hi', background: true, max_output_tokens: 9_000 },
      metadata: { sandbox: 'work=2500' },
    });
    const reserved = async () => {
      const { rows } = await stack.owner.query<{ reserved: string }>(
        `select coalesce(sum(chaperone.quota_pending(organization_id, counter_id)), 0) as reserved
         from chaperone.quota_counters where rule like '%/' || $1`,
        [name],
      );
      return Number(rows[0]?.reserved);
    };
    await until(async () => (await reserved()) > 9_000, 'its reservation to be stored');
    assert.equal(
      (await refusalOf(responses.create({ model: 'gpt-4o', input: 'Hi', max_output_tokens: 900 }))).status,
      429,
    );
    const ended = await until(async () => {
      const { status, usage } = await responses.retrieve(begun.id);
      return status === 'completed' && usage;
    }, 'its end');
    await until(async () => (await usedOf(name)) === ended.total_tokens && (await reserved()) === 0, 'its record');
    const small = () =>
      responses.create({ model: 'gpt-4o', input: 'Hi', max_output_tokens: 9_000 }).catch(() => undefined);
    await until(small, 'the rest to be free again');
  });

  it('count the calls of analyses', async () => {
    await stack.state(`limits: [{name: ${rule()}, requests: {count: 1, window: 24h}}]`);
    const { id } = await call();
    const analyzed = await fetch(`${stack.baseUrl}/analysis`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', 'content-type': 'application/json' },
      body: JSON.stringify({ id, config: { analysis_type: 'intent', categories: [{ name: 'billing' }] } }),
    });
    assert.equal(analyzed.status, 429, await analyzed.text());
  });

  it('count the calls with the key of an ApiKeyBinding by its own rules', async () => {
    await stack.state(`limits: [{name: ${rule()}, requests: {count: 100000, window: 24h}}]`);
    const file = join(stack.directory, 'keys.yaml');
    const keys = await readFile(file, 'utf8');
    const limits = '  limits:\n    - {name: own, requests: {count: 2, window: 24h}}\n';
    await replaceFile(file, keys.replace(/( {2}user: alice@example.com\n)/, `${limits}$1`));
    const alice = () => call('alice@example.com').withResponse();
    await until(async () => {
      const { response } = await alice();
      return response.headers.get('x-ratelimit-limit-requests') === '2';
    }, 'the rule to be in force');
    await alice();
    assert.match((await refusalOf(alice())).message, /of the limit own \(per Key\) 0 of 2 calls are left/);
    await call('bob');
    await replaceFile(file, keys);
  });

  it('hold a tier’s calls an hour', async () => {
    await stack.state('tiers: [{users: [carol], tier: free}]');
    const { response } = await call('carol').withResponse();
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), '100');
    assert.equal((await call('bob').withResponse()).response.headers.get('x-ratelimit-limit-requests'), null);
    await stack.state('tier: starter');
    const { response: ofAll } = await call('bob').withResponse();
    assert.equal(ofAll.headers.get('x-ratelimit-limit-requests'), '1000');
  });
});

function formOf(fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}
