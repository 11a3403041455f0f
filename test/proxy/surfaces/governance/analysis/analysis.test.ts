import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import { Client } from 'pg';
import { type Stack, startStack } from '../../../../stack.ts';
import { until } from '../../../../until.ts';
import { suiteScope } from '../../../../up/start-up.ts';
import { type Ask, makeAsk } from '../ask.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';

const categories = [
  { name: 'technical_support', description: 'Technical issues', examples: ['bug', 'crash'] },
  { name: 'billing_inquiry', description: 'Billing and payment questions' },
  { name: 'general_inquiry' },
];
const intent = { analysis_type: 'intent', categories };

/** What a model answers, with these confidences in the order of the categories. */
const says = (...confidences: number[]) => ({
  reasoning: 'Because.',
  categories: confidences.map((confidence, index) => ({
    name: categories[index]?.name,
    reasoning: confidence > 0.5 ? 'It fits.' : '',
    confidence,
  })),
  metadata: { sentiment: 'calm', urgency: 'low', topics: ['a_topic'] },
});

describe('POST /v1/analysis', () => {
  const scope = suiteScope();
  let upstream: ScriptedUpstream;
  let stack: Stack;
  let ask: Ask;
  let owner: Client;

  before(async () => {
    upstream = await startScriptedUpstream(scope);
    stack = await startStack(scope, { upstreamUrl: upstream.url });
    ask = makeAsk(stack);
    owner = new Client({ connectionString: stack.database.url });
    await owner.connect();
    scope.after(() => owner.end());
  });
  beforeEach(() => {
    upstream.script.length = 0;
    upstream.questions.length = 0;
  });

  let said = 0;
  /** A call with words of its own, so that no two tests share a result. @returns its ids */
  const converse = async (text = 'Hello', headers: Record<string, string> = {}) => {
    said += 1;
    const {
      status,
      body,
      headers: own,
    } = await ask('POST', '/responses', { model: 'gpt-4o', input: `${text} (${said})` }, headers);
    assert.equal(status, 200);
    return { requestId: own.get('x-request-id') ?? '', responseId: String(body.id), text: `${text} (${said})` };
  };
  const analyze = (id: string, config: object = intent, headers?: Record<string, string>) =>
    ask('POST', '/analysis', { id, config }, headers);
  const recordOf = (requestId: string | null) =>
    until(async () => {
      const { rows } = await owner.query('select * from chaperone.requests where request_id = $1', [requestId]);
      return rows[0];
    }, `the record of ${requestId}`);
  const billed = async () => {
    const { calls } = (await (await fetch(new URL('/sandbox/calls', upstream.sandboxUrl))).json()) as {
      calls: { id: string; total_tokens: number; input_tokens: number; output_tokens: number }[];
    };
    return new Map(calls.map((call) => [call.id, call]));
  };

  it('classifies what was said, in the form of the document, the moment the answer is there', async () => {
    const { requestId, responseId } = await converse('My invoice has a billing error');
    const { status, body, headers } = await analyze(requestId);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(Object.keys(body), [
      'request_id',
      'response_id',
      'analysis_type',
      'primary_category',
      'categories',
      'confidence',
      'reasoning',
      'metadata',
      'analyzed_at',
      'model_used',
      'tokens_used',
      'cost_usd',
      'cached',
    ]);
    assert.deepEqual([body.request_id, body.response_id], [requestId, responseId]);
    assert.equal(body.primary_category, 'billing_inquiry');
    assert.deepEqual(
      body.categories.map(({ name, confidence }: { name: string; confidence: number }) => [name, confidence]),
      [
        ['billing_inquiry', 1],
        ['technical_support', 0],
        ['general_inquiry', 0],
      ],
    );
    assert.deepEqual([body.model_used, body.cached, body.confidence], ['gpt-4o-mini', false, 1]);

    const record = await recordOf(headers.get('x-request-id'));
    assert.deepEqual([record.kind, record.operation, record.status], ['analysis', 'chat', 'completed']);
    const bill = (await billed()).get(record.response_id);
    assert.equal(body.tokens_used, bill?.total_tokens);
    assert.equal(body.cost_usd, Number(record.cost_usd));
    const { input_tokens = 0, output_tokens = 0 } = bill ?? {};
    assert.equal(body.cost_usd, Number(((input_tokens * 0.15 + output_tokens * 0.6) / 1e6).toFixed(12)));

    const again = await analyze(responseId);
    assert.deepEqual(again.body, { ...body, cached: true });
    assert.equal(upstream.questions.length, 1);
  });

  it('lists every category with multi_label, names those over the threshold, and says why there is none', async () => {
    const { requestId } = await converse();
    const several = { ...intent, multi_label: true, confidence_threshold: 0.6 };
    upstream.script.push({ says: says(0.6, 0.2, 0.9) });
    const { body } = await analyze(requestId, several);
    assert.deepEqual(body.primary_category, ['general_inquiry', 'technical_support']);
    assert.deepEqual([body.confidence, body.reasoning, body.categories.length], [0.9, 'Because.', 3]);
    assert.deepEqual(body.metadata, { sentiment: 'calm', urgency: 'low', topics: ['a_topic'] });

    upstream.script.push({ says: says(0.4, 0.3, 0.1) });
    const { body: none } = await analyze(requestId, { ...intent, confidence_threshold: 0.5 });
    assert.deepEqual([none.primary_category, none.confidence], [null, 0.4]);
    assert.deepEqual([none.metadata.below_threshold, none.metadata.confidence_threshold], [true, 0.5]);
  });

  it('asks once more after a refusal, a cut or a bad answer, and tells what both cost', async () => {
    const { requestId } = await converse();
    for (const [name, step] of Object.entries({
      refusal: { directives: 'refusal' },
      incomplete: { directives: 'incomplete' },
      'a category that is not there': {
        says: { ...says(), categories: [{ name: 'other', confidence: 1, reasoning: '' }] },
      },
      'no JSON': { says: 'I would say: billing.' },
    })) {
      upstream.questions.length = 0;
      upstream.script.push(step);
      const { status, body, headers } = await analyze(requestId, { ...intent, custom_prompt: `${name}: {user_input}` });
      assert.deepEqual([status, body.cached, upstream.questions.length], [200, false, 2], name);
      const first = await recordOf(headers.get('x-request-id'));
      const records = await until(async () => {
        const { rows } = await owner.query(
          `select * from chaperone.requests
           where kind = 'analysis' and session_id = $1 and started_at >= $2 order by started_at, request_id`,
          [first.session_id, first.started_at],
        );
        return rows.length === 2 && rows;
      }, `two records of ${name}`);
      const bills = await billed();
      const tokens = records.map(({ response_id }) => bills.get(response_id)?.total_tokens ?? Number.NaN);
      assert.equal(
        body.tokens_used,
        tokens.reduce((sum, count) => sum + count),
        name,
      );
      const costs = records.map(({ cost_usd }) => Number(cost_usd));
      assert.equal(body.cost_usd, Number(costs.reduce((sum, cost) => sum + cost).toFixed(12)), name);
    }
  });

  it('says honestly what a provider did, after the second time or at once', async () => {
    const { requestId } = await converse();
    const bad: [string, { directives: string }[], number, string][] = [
      ['refusal', [{ directives: 'refusal' }, { directives: 'refusal' }], 502, 'upstream_refused'],
      ['incomplete', [{ directives: 'refusal' }, { directives: 'incomplete' }], 502, 'upstream_incomplete'],
      ['garbage', [{ directives: 'garbage' }, { directives: 'garbage' }], 502, 'upstream_invalid_response'],
      ['an error in a 200', [{ directives: 'error-in-stream' }], 502, 'upstream_error'],
      ['a 500', [{ directives: 'status=500' }], 502, 'upstream_error'],
      ['a 429', [{ directives: 'status=429' }], 429, 'upstream_rate_limited'],
    ];
    for (const [name, script, status, code] of bad) {
      upstream.questions.length = 0;
      upstream.script.push(...script);
      const answer = await analyze(requestId);
      assert.deepEqual([answer.status, answer.body.error.code], [status, code], name);
      assert.match(answer.body.error.message, /^Error processing request/, name);
      assert.equal(upstream.questions.length, script.length, name);
      const record = await recordOf(answer.headers.get('x-request-id'));
      assert.equal(record.kind, 'analysis', name);
    }
    // No failure is kept.
    assert.equal((await analyze(requestId)).status, 200);
  });
});
