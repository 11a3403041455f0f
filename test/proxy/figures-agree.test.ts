import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import type { Client } from 'pg';
import type { ProxyProcess } from '../../cli/local/proxies.ts';
import { readSpending } from '../../database/analytics/spending.ts';
import { connect } from '../database/tenant.ts';
import { recordOf } from '../recorded-call.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

import { allowEveryModel } from './allow-every-model.ts';
import { type Ask, makeAsk } from './surfaces/governance/ask.ts';

/** What some calls add up to, wherever it is told; costs in whole 10⁻¹² dollars. */
interface Figures {
  readonly requests: number;
  readonly completed: number;
  readonly cost: number;
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const pico = (dollars: number | string) => Math.round(Number(dollars) * 1e12);

/** Calls of every kind through the front door: metrics, analytics and records tell the same of them. */
describe('figures', () => {
  const scope = suiteScope();
  let stack: Stack<ProxyProcess>;
  let ask: Ask;
  let client: OpenAI;
  let owner: Client;
  let personaId: string;
  let retiredId: string;

  before(async () => {
    stack = await startStack(scope, { ownProcess: true });
    ask = makeAsk(stack);
    await allowEveryModel(stack);
    client = new OpenAI({
      baseURL: stack.baseUrl,
      apiKey: stack.token,
      defaultHeaders: { 'X-User-ID': 'ada' },
      maxRetries: 0,
    });
    owner = await connect(scope, stack.database.url);
    personaId = (await ask('POST', '/personas', { name: 'In use', content: 'Be brief.' })).body.id;
    retiredId = (await ask('POST', '/personas', { name: 'Retired', content: 'Be brief.' })).body.id;
    await makeTraffic();
  });

  async function makeTraffic(): Promise<void> {
    const say = (body: object, user = 'ada') =>
      ask('POST', '/responses', { model: 'gpt-4o', input: 'Hi', ...body }, { 'x-user-id': user });
    const first = await say({});
    const failed = await say({ metadata: { sandbox: 'status=500' } });
    assert.deepEqual([first.status, failed.status], [200, 500]);
    await say({ persona_id: personaId }, 'dora');
    await say({ persona_id: retiredId });
    assert.equal((await ask('PATCH', `/personas/${retiredId}`, { is_active: false })).status, 200);
    // Its dated snapshot, asked for by its own name.
    await say({ model: first.body.model });
    // The price of neither is known.
    await say({ service_tier: 'flex' });
    await ask('POST', '/chat/completions', {
      model: 'gpt-4o',
      service_tier: 'priority',
      messages: [{ role: 'user', content: 'Hi' }],
    });
    const chat = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      stream: true,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    for await (const _ of chat);
    const cut = await client.responses.create({
      model: 'gpt-4o',
      input: 'Long',
      stream: true,
      metadata: { sandbox: 'words=200000' },
    });
    let cutId = '';
    for await (const event of cut) {
      if (event.type === 'response.created') cutId = event.response.id;
      if (event.type === 'response.output_text.delta') break;
    }
    await client.embeddings.create({ model: 'text-embedding-3-small', input: 'Hi' });
    await client.moderations.create({ input: 'Hi' });
    await client.images.generate({ model: 'gpt-image-1', prompt: 'A house' });
    // Its characters are billed, though nobody heard them.
    const speech = await fetch(`${stack.baseUrl}/audio/speech`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada' },
      body: JSON.stringify({
        model: 'tts-1',
        voice: 'alloy',
        input: 'Hi '.repeat(1_000),
        metadata: { sandbox: 'words=200000' },
      }),
    });
    const reader = speech.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    const analysis = await ask('POST', '/analysis', {
      id: first.headers.get('x-request-id'),
      config: { analysis_type: 'intent', categories: [{ name: 'question', description: 'A question' }] },
    });
    assert.equal(analysis.status, 200);
    const background = await say({ background: true });
    const line = JSON.stringify({
      custom_id: 'one',
      method: 'POST',
      url: '/v1/responses',
      body: { model: 'gpt-4o-mini', input: 'Hi' },
    });
    const file = await client.files.create({ file: await toFile(Buffer.from(line), 'lines.jsonl'), purpose: 'batch' });
    const batch = await client.batches.create({
      input_file_id: file.id,
      endpoint: '/v1/responses',
      completion_window: '24h',
    });
    // Refused by the proxy itself: no request anywhere but in the metric of refusals.
    assert.equal((await say({ persona_id: '00000000-0000-4000-8000-000000000000' })).status, 404);
    // The provider still has to tell how these ended, and until then they are under way nowhere.
    for (const id of [batch.id, background.body.id, cutId]) await recordOf(owner, id);
    await until(async () => {
      const text = await metrics();
      const { rows } = await owner.query<{ count: number }>('select count(*)::int as count from chaperone.requests');
      return (
        sum(text, 'chaperone_active_calls') === 0 &&
        sum(text, 'chaperone_spool_depth') === 0 &&
        sum(text, 'chaperone_calls_total') === rows[0]?.count
      );
    }, 'every call to be settled');
  }

  const metrics = async () => (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text();
  /** The sum of a metric's series that have these labels. */
  const sum = (text: string, name: string, ...labels: string[]) =>
    text
      .split('\n')
      .filter((line) => /^\w+/.exec(line)?.[0] === name && labels.every((label) => line.includes(label)))
      .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0);

  const kinds = ['call', 'analysis'] as const;
  type Kind = (typeof kinds)[number];

  async function fromMetrics(kind: Kind): Promise<Figures> {
    const text = await metrics();
    const of = `kind="${kind}"`;
    return {
      requests: sum(text, 'chaperone_calls_total', of),
      completed: sum(text, 'chaperone_calls_total', of, 'status="completed"'),
      cost: pico(sum(text, 'chaperone_cost_usd_total', of)),
      unpriced: sum(text, 'chaperone_unpriced_calls_total', of),
      inputTokens: sum(text, 'gen_ai_client_token_usage_sum', of, 'gen_ai_token_type="input"'),
      outputTokens: sum(text, 'gen_ai_client_token_usage_sum', of, 'gen_ai_token_type="output"'),
    };
  }

  async function fromRecords(kind: Kind): Promise<Figures> {
    const { rows } = await owner.query(
      `select count(*) as requests, count(*) filter (where status = 'completed') as completed,
         count(*) filter (where cost_usd is null and operation <> 'moderations'
           and (status = 'completed' or characters is not null)) as unpriced,
         sum(cost_usd) as cost, sum(input_tokens) as "inputTokens", sum(output_tokens) as "outputTokens"
       from chaperone.requests where kind = $1`,
      [kind],
    );
    const { cost, ...counts } = rows[0];
    return { ...mapValues(counts, Number), cost: pico(cost) };
  }

  const mapValues = (of: Record<string, string>, map: (text: string) => number) =>
    Object.fromEntries(Object.entries(of).map(([name, text]) => [name, map(text)])) as Omit<Figures, 'cost'>;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  const add = (groups: readonly any[]): Figures => ({
    requests: total(groups, 'request_count'),
    completed: total(groups, 'success_count'),
    cost: groups.reduce((all, group) => all + pico(group.total_cost), 0),
    unpriced: total(groups, 'unpriced_count'),
    inputTokens: total(groups, 'input_tokens'),
    outputTokens: total(groups, 'output_tokens'),
  });
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  const total = (groups: readonly any[], name: string) => groups.reduce((all, group) => all + group[name], 0);
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  const allOf = (body: any) => ({
    requests: body.total_requests + body.excluded.request_count,
    cost: pico(body.total_cost) + pico(body.excluded.total_cost),
    unpriced: body.unpriced_count + body.excluded.unpriced_count,
  });

  it('are the same in metrics, in analytics and in the records, for calls and for analyses', async () => {
    for (const kind of kinds) {
      const told = await fromMetrics(kind);
      const { unpriced } = told;
      assert.deepEqual(await fromRecords(kind), told, `metrics and records of kind ${kind}`);
      for (const [path, list] of [
        ['models', 'models'],
        ['user-usage', 'users'],
      ] as const) {
        const { body } = await ask('GET', `/analytics/${path}?kind=${kind}`);
        assert.deepEqual(add(body[list]), told, `${path} of kind ${kind}`);
        assert.deepEqual(
          [body.total_requests, pico(body.total_cost), body.unpriced_count],
          [told.requests, told.cost, unpriced],
        );
      }
      const { body: sessions } = await ask('GET', `/analytics/sessions?kind=${kind}&limit=100`);
      assert.deepEqual(
        [
          total(sessions.sessions, 'request_count'),
          total(sessions.sessions, 'unpriced_count'),
          sessions.total_requests,
        ],
        [told.requests, unpriced, told.requests],
      );
      assert.equal(pico(sessions.total_cost), told.cost);
      const period = { firstDay: '1970-01-01', lastDay: '9999-12-31' };
      const spent = (await readSpending(owner, 'model', { organization: 'acme', kind, ...period })).at(-1);
      assert.ok(spent);
      assert.deepEqual(
        [Number(spent.requestCount), Number(spent.completedCount), Number(spent.unpricedCount), pico(spent.costUsd)],
        [told.requests, told.completed, unpriced, told.cost],
        `chaperone usage of kind ${kind}`,
      );
    }
    // Those of other service tiers, and what was spoken before its listener left.
    assert.ok((await fromMetrics('call')).unpriced >= 2);
    assert.equal((await fromMetrics('analysis')).requests, 1);
  });

  it('that an answer leaves out are counted beside it, so that both together are complete', async () => {
    const [calls, analyses] = [await fromMetrics('call'), await fromMetrics('analysis')];
    const everything = {
      requests: calls.requests + analyses.requests,
      cost: calls.cost + analyses.cost,
      unpriced: calls.unpriced + analyses.unpriced,
    };
    for (const path of ['models', 'user-usage', 'sessions', 'personas']) {
      for (const kind of ['call', 'analysis', 'all']) {
        const { body } = await ask('GET', `/analytics/${path}?kind=${kind}`);
        assert.deepEqual(allOf(body), everything, `${path} of kind ${kind}`);
        const { reasons, ...sums } = body.excluded;
        assert.deepEqual(
          [total(reasons, 'request_count'), total(reasons, 'unpriced_count')],
          [sums.request_count, sums.unpriced_count],
        );
      }
    }
    const reasonsOf = async (query: string) =>
      // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
      (await ask('GET', `/analytics/${query}`)).body.excluded.reasons.map(({ reason }: any) => reason);
    assert.deepEqual(await reasonsOf('models'), ['analysis']);
    assert.deepEqual(await reasonsOf('models?kind=analysis'), ['call']);
    assert.deepEqual(await reasonsOf('models?kind=all'), []);
    assert.deepEqual(await reasonsOf('models?user_id=dora'), []);
    assert.deepEqual(await reasonsOf('personas'), ['analysis', 'no_persona', 'persona_not_listed']);
    assert.deepEqual(await reasonsOf('personas?include_inactive=true'), ['analysis', 'no_persona']);
    const { body: details } = await ask('GET', `/analytics/personas/${personaId}`);
    assert.deepEqual([details.persona.request_count, details.excluded.request_count], [1, 0]);
  });

  it('of a model are listed by the requested name, failures beside successes', async () => {
    const { body } = await ask('GET', '/analytics/models');
    // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
    const of = (name: string) => body.models.find(({ model }: any) => model === name);
    const asked = of('gpt-4o');
    const { rows } = await owner.query(
      `select requested_model, model, count(*)::int as count, count(*) filter (where status = 'completed')::int as completed
       from chaperone.requests where kind = 'call' and requested_model like 'gpt-4o%' group by 1, 2 order by 1, 2`,
    );
    const recorded = rows.filter(({ requested_model }) => requested_model === 'gpt-4o');
    assert.deepEqual(
      [asked.request_count, asked.success_count],
      [total(recorded, 'count'), total(recorded, 'completed')],
    );
    assert.ok(asked.failure_count >= 2 && asked.success_rate > 0 && asked.success_rate < 100);
    assert.deepEqual(
      [of('gpt-4o-2024-08-06').request_count, of('gpt-4o-2024-08-06').success_rate],
      [1, 100],
      'calls that asked for the snapshot itself',
    );
    // The provider bills by the model that answered.
    for (const model of body.models) {
      assert.equal(total(model.answered_by, 'request_count'), model.request_count);
      assert.equal(total(model.answered_by, 'total_tokens'), model.total_tokens);
      assert.equal(add(model.answered_by).cost, pico(model.total_cost));
    }
    // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
    const names = asked.answered_by.map(({ model }: any) => model);
    assert.deepEqual(names.sort(), ['gpt-4o', 'gpt-4o-2024-08-06']);

    const text = await metrics();
    for (const { model, request_count } of body.models) {
      if (model === null || model === 'gpt-4o-mini-2024-07-18') continue;
      const label = `gen_ai_request_model="${model}"`;
      const counted = sum(text, 'chaperone_calls_total', 'kind="call"', label);
      // A model without a price has no label of its own.
      if (counted > 0) assert.equal(counted, request_count, model);
    }
    const { body: users } = await ask('GET', '/analytics/user-usage?user_id=dora');
    assert.deepEqual(users.users[0].models_used, ['gpt-4o']);
    const { body: details } = await ask('GET', `/analytics/personas/${personaId}`);
    assert.deepEqual(details.request_count_by_model, { 'gpt-4o': 1 });
    assert.deepEqual(details.persona.models_used, ['gpt-4o']);
    const { body: sessions } = await ask('GET', '/analytics/sessions?user_id=dora');
    assert.deepEqual(sessions.sessions[0].models_used, ['gpt-4o']);
  });

  it('of a rated response name the requested model and the one that answered', async () => {
    const call = await ask('POST', '/responses', { model: 'gpt-4o', input: 'Hi' }, { 'x-user-id': 'carol' });
    assert.equal(
      (await ask('POST', `/responses/${call.body.id}/rate`, { rating: 1 }, { 'x-user-id': 'carol' })).status,
      200,
    );
    const rated = await until(async () => {
      const { body } = await ask('GET', '/analytics/rated-responses?user_id=carol');
      return body.responses[0]?.created_at && body;
    }, 'the rating with its call');
    const [{ model, response_model }] = rated.responses;
    assert.deepEqual([model, response_model, rated.excluded], ['gpt-4o', call.body.model, { total_rated: 0 }]);
  });

  it('include the calls that ended with their process', async () => {
    const endless = ask('POST', '/responses', {
      model: 'gpt-4o',
      input: 'Hi',
      metadata: { sandbox: 'latency=600000' },
    }).catch(() => undefined);
    await until(async () => sum(await metrics(), 'chaperone_active_calls') === 1, 'the call to be under way');
    const pid = stack.proxy.pid() ?? 0;
    process.kill(pid, 'SIGKILL');
    await endless;
    const text = await until(async () => {
      const now = await metrics().catch(() => '');
      return stack.proxy.pid() !== pid && sum(now, 'chaperone_spool_shipped_total') > 0 && now;
    }, 'the record of the call');
    assert.equal(sum(text, 'chaperone_calls_total', 'status="interrupted"', 'gen_ai_request_model="gpt-4o"'), 1);
    assert.equal(sum(text, 'gen_ai_client_operation_duration_seconds_count'), 0);
    const { rows } = await owner.query(
      `select count(*)::int as count from chaperone.requests where status = 'interrupted'`,
    );
    assert.deepEqual(rows, [{ count: 1 }]);
  });
});
