import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { suiteScope } from '../../scope.ts';
import { type Answer, sendJson, sendStream } from '../../scripted-provider.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from './providers.ts';

/** Each rule is for the calls of one test. */
const spec = {
  retries: { attempts: 4, within: '20s' },
  limits: [
    { name: 'each-key', per: 'Key', match: { models: ['m-key'] }, requests: { count: 2, window: '24h' } },
    { name: 'place', per: 'Key', match: { models: ['m-place'] }, concurrent: 1 },
  ],
  budgets: [
    { name: 'poor', match: { models: ['m-poor'] }, amountUsd: '0.001', window: 'Day' },
    { name: 'spent', match: { models: ['m-spent'] }, amountUsd: '0.001', window: 'Day' },
    { name: 'rich', match: { models: ['m-rich'] }, amountUsd: '0.01', window: 'Day' },
    { name: 'short', match: { models: ['m-short'] }, amountUsd: '0.001', window: 'Day', onShortfall: 'Shorten' },
    { name: 'billed', per: 'Key', match: { models: ['m-billed'] }, amountUsd: '1', window: 'Day' },
    { name: 'known', match: { models: ['m-unpriced'] }, amountUsd: '1', window: 'Day' },
  ],
  // The second provider calls these models otherwise, and they cost ten times as much there.
  prices: [
    ...['m-poor', 'm-spent', 'm-rich', 'm-short', 'm-billed'].map((model) => ({
      model,
      inputPerMillion: '0.1',
      outputPerMillion: '1',
    })),
    { model: 'dear', inputPerMillion: '1', outputPerMillion: '10' },
  ],
};
const dear = ['m-poor', 'm-spent', 'm-rich', 'm-short', 'm-billed'].map((name) => ({ name, as: 'dear' }));

const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 };
const serves: Answer = (answered, { body }) => {
  const { model, stream } = body;
  const message = { role: 'assistant', content: 'Hi' };
  if (stream !== true) {
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    return sendJson(answered, { id: 'chatcmpl-1', object: 'chat.completion', model, choices, usage });
  }
  const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', model };
  const events = [
    { ...chunk, choices: [{ index: 0, delta: message, finish_reason: 'stop' }] },
    { ...chunk, choices: [], usage },
  ];
  return sendStream(answered, [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), 'data: [DONE]\n\n']);
};
const refuses: Answer = (answered) => sendJson(answered, { error: { message: 'No', code: 'invalid_api_key' } }, 401);
/** Reports an error, and what it has used. */
const failsBilled: Answer = (answered, { body: { model } }) =>
  sendJson(answered, { id: 'chatcmpl-1', model, choices: [], usage, error: { message: 'No', code: 'server_error' } });

/** Limits and budgets of calls that go on with another key: real sockets, a real proxy, PostgreSQL. */
describe('a call that goes on with another key', () => {
  const scope = suiteScope();
  let routed: Routed<'first' | 'second' | 'third'>;
  let database: Client;
  before(async () => {
    const patient = { circuitBreaker: { failures: 1_000 } };
    const every = { name: 'm-*' };
    routed = await startRouted(scope, {
      providers: {
        first: { priority: 0, models: [{ name: 'm-unpriced', as: 'dear' }, every], ...patient },
        second: { priority: 1, models: [...dear, every], ...patient },
        third: { priority: 2, models: [{ name: 'm-key' }, { name: 'm-place' }], ...patient },
      },
      spec,
    });
    database = new Client({ connectionString: routed.database.url });
    await database.connect();
    scope.after(() => database.end());
  });
  beforeEach(() => {
    routed.forget();
    routed.providers.first.answer = refuses;
    routed.providers.second.answer = serves;
    routed.providers.third.answer = serves;
  });

  const call = async (model: string, more: object = {}) => {
    const answer = await fetch(`${routed.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob', 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 200, ...more }),
    });
    const text = await answer.text();
    const { headers, status } = answer;
    return { status, text, headers, by: headers.get('x-chaperone-provider') };
  };
  /** What the database has counted by a rule, by the provider of the key where the rule counts each key. */
  const countedBy = async (rule: string) => {
    const { rows } = await database.query<{ provider: string; used: number }>(
      `select coalesce(k.provider, '') as provider,
         (c.used + (select coalesce(sum(settled), 0) from chaperone.quota_leases l
           where l.organization_id = c.organization_id and l.counter_id = c.counter_id))::float8 as used
       from chaperone.quota_counters c left join chaperone.api_keys k on k.api_key_id::text = c.scope
       where c.rule like '%/' || $1`,
      [rule],
    );
    return Object.fromEntries(rows.map(({ provider, used }) => [provider, used]));
  };
  const stored = async (answer: { headers: Headers }) =>
    until(async () => {
      const { rows } = await database.query<{ api_key_id: string; error_code: string | null; status: string }>(
        'select api_key_id, error_code, status from chaperone.requests where request_id = $1',
        [answer.headers.get('x-request-id')],
      );
      return rows[0];
    }, 'the record of the call');

  it('is counted by the key that serves it, and passes over keys whose limit is reached', async () => {
    const served = [await call('m-key'), await call('m-key'), await call('m-key'), await call('m-key')];
    assert.deepEqual(
      served.map(({ status, by, headers }) => [status, by, headers.get('x-ratelimit-remaining-requests')]),
      [
        [200, 'second', '1'],
        [200, 'second', '0'],
        [200, 'third', '1'],
        [200, 'third', '0'],
      ],
    );
    const refused = await call('m-key');
    assert.equal(refused.status, 429);
    assert.match(refused.text, /"code":"limit_reached"/);
    assert.match(refused.text, /of the limit each-key \(per Key\) 0 of 2 calls are left/);
    assert.equal(refused.headers.get('x-chaperone-failed-attempts'), 'first key_refused 401 invalid_api_key');
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    const { status, error_code } = await stored(refused);
    assert.deepEqual([status, error_code], ['failed', 'limit_reached']);
    // What the first key did not serve was given back: only the refused call is one of it.
    routed.providers.first.answer = serves;
    const again = await call('m-key');
    assert.deepEqual(
      [again.status, again.by, again.headers.get('x-ratelimit-remaining-requests')],
      [200, 'first', '0'],
    );
    await until(async () => {
      const counted = await countedBy('each-key');
      return counted.first === 2 && counted.second === 2 && counted.third === 2;
    }, 'what each key has served');
  });

  it('gives the place of the former key back at once', async () => {
    const held: (() => void)[] = [];
    routed.providers.second.answer = (answered, request) => held.push(() => serves(answered, request));
    const one = call('m-place');
    await until(() => held.length === 1, 'the call to be with the second provider');
    routed.providers.first.answer = serves;
    const other = await call('m-place');
    assert.deepEqual([other.status, other.by], [200, 'first']);
    for (const serve of held) serve();
    assert.equal((await one).status, 200);
  });

  it('is refused by name where a budget does not pay for a dearer provider', async () => {
    for (const more of [{}, { stream: true }]) {
      const refused = await call('m-poor', more);
      assert.equal(refused.status, 429, refused.text);
      assert.match(refused.text, /"code":"insufficient_quota"/);
      assert.match(refused.text, /of the budget poor .* of 0.001 US dollars are left; this call may need 0.00/);
    }
    assert.equal(routed.counts().second, 0, 'the dearer provider was not asked');
    routed.providers.first.answer = serves;
    assert.equal((await call('m-poor')).status, 200, 'what it had reserved is free again');
  });

  it('asks the budget for the difference, and counts what the provider bills', async () => {
    const answer = await call('m-rich');
    assert.deepEqual([answer.status, answer.by], [200, 'second'], answer.text);
    await until(
      async () => (await countedBy('rich'))[''] === 10 * 1_000 + 20 * 10_000,
      'the cost at the second provider',
    );
  });

  it('is made with a shorter answer where the budget says so', async () => {
    const answer = await call('m-short');
    assert.deepEqual([answer.status, answer.by], [200, 'second'], answer.text);
    const allowed = Number(answer.headers.get('x-chaperone-max-output-tokens'));
    assert.ok(allowed > 50 && allowed < 100, `${allowed} tokens cost a tenth of a cent`);
    assert.equal(answer.headers.get('x-chaperone-shortened-by'), 'short');
    const [{ body } = assert.fail()] = routed.providers.second.requests;
    assert.deepEqual([body.model, body.max_tokens], ['dear', allowed]);
  });

  it('counts a failed attempt that was billed by its own key', async () => {
    routed.providers.first.answer = failsBilled;
    const answer = await call('m-billed');
    assert.deepEqual([answer.status, answer.by], [200, 'second'], answer.text);
    await until(async () => {
      const counted = await countedBy('billed');
      return counted.first === 10 * 100 + 20 * 1_000 && counted.second === 10 * 1_000 + 20 * 10_000;
    }, 'what each key has cost');
  });

  it('counts a failed attempt that was billed where the budget pays for no other', async () => {
    routed.providers.first.answer = failsBilled;
    const refused = await call('m-spent');
    assert.match(refused.text, /of the budget spent .* of 0.001 US dollars are left/);
    await until(async () => (await countedBy('spent'))[''] === 10 * 100 + 20 * 1_000, 'what the first key has cost');
  });

  it('is refused where the other provider has no known price', async () => {
    const refused = await call('m-unpriced');
    assert.equal(refused.status, 429, refused.text);
    assert.match(refused.text, /The price of .*m-unpriced.* is not known, so the budget known refuses the call/);
  });
});
