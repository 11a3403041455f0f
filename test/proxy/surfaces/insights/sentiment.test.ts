import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { type ScriptedProvider, sendJson, startScriptedProvider } from '../../../scripted-provider.ts';
import { until } from '../../../until.ts';
import { makeWorkerProcess } from '../../../worker/worker-process.ts';
import { type Insights, startInsights } from './insights-stack.ts';

const happy = "I'm very happy with your service and prompt response to my query.";
const judgement = {
  ...{ key_positives: ['prompt response'], key_negatives: [], sentiment: 'positive', satisfaction_score: 9 },
  ...{ positive: 0.92, negative: 0.03, neutral: 0.05 },
};

/** Sentiments of contract 3, through the front door, with a model that says what the test wants. */
describe('sentiments', () => {
  const scope = suiteScope();
  let provider: ScriptedProvider;
  let insights: Insights;
  let db: Client;
  let ann: string;
  let eve: string;
  let worker: Awaited<ReturnType<typeof makeWorkerProcess>>;
  before(async () => {
    provider = await startScriptedProvider(scope);
    insights = await startInsights(
      scope,
      {
        limits: [{ name: 'few', per: 'User', match: { users: ['limited'] }, requests: { count: 3, window: '24h' } }],
        guardrails: [{ name: 'words', action: 'Block', appliesTo: 'Input', words: { words: ['forbidden'] } }],
      },
      { upstreamUrl: provider.url },
    );
    db = await connect(scope, insights.stack.database.url);
    ann = await insights.stack.sign({ user: 'ann', roles: ['member'] });
    eve = await insights.stack.sign({ user: 'eve', roles: ['member'] });
    worker = await makeWorkerProcess(scope, insights.stack);
    answerWith(() => judgement);
  });

  /** @param say what the model says of a text: fields, a text that is no answer, or a status */
  const answerWith = (say: (text: string) => object | string | number) => {
    provider.answer = (response, { body }) => {
      const text = (body.messages as { content: string }[]).at(-1)?.content ?? '';
      const said = say(text);
      if (typeof said === 'number') return sendJson(response, { error: { message: 'No.' } }, said);
      const content = typeof said === 'string' ? said : JSON.stringify(said);
      return sendJson(response, {
        ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'gpt-4o-mini' },
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 50, completion_tokens: 30, total_tokens: 80 },
      });
    };
  };
  const sentiment = (body: object, token = ann) => insights.ask('POST', '/analyze/sentiment', body, { token });
  const batch = (body: object, token = ann) => insights.ask('POST', '/analyze/batch', body, { token });
  const callsOf = async (user: string) => {
    const { rows } = await db.query<{ kind: string; status: string }>(
      `select kind, r.status from chaperone.requests r join chaperone.users u using (organization_id, user_id)
       where u.external_id = $1`,
      [user],
    );
    return rows;
  };

  it('without a model are VADER’s, and no provider is asked', async () => {
    const before = provider.requests.length;
    const { status, body } = await sentiment({ text: happy });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.data, {
      ...{ sentiment: 'positive', positive: 0.266, negative: 0, neutral: 0.734, compound: 0.6115 },
      analysis: { satisfaction_score: 8, key_positives: ['happy'], key_negatives: [] },
      method: 'vader',
    });
    assert.equal((await sentiment({ text: 'Terrible. I hate it.', use_ai: false })).body.data.sentiment, 'negative');
    assert.equal((await sentiment({ text: 'The parcel is on the table.' })).body.data.sentiment, 'neutral');
    assert.equal(provider.requests.length, before);
  });

  it('without a model are for English alone', async () => {
    const { status, body } = await sentiment({ text: 'Der Kundendienst hat mir sehr schnell geholfen.' });
    assert.deepEqual([status, body.code], [422, 'language_unsupported']);
    assert.equal((await sentiment({ text: 'Good', language: 'de' })).status, 422);
  });

  it('with a model are a call of the user, with a record and a strict schema', async () => {
    const { status, body } = await sentiment({ text: happy, use_ai: true });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.data, {
      ...{ sentiment: 'positive', positive: 0.92, negative: 0.03, neutral: 0.05 },
      analysis: { satisfaction_score: 9, key_positives: ['prompt response'], key_negatives: [] },
      method: 'ai',
    });
    const { body: asked } = provider.requests.at(-1) ?? assert.fail();
    // biome-ignore lint/suspicious/noExplicitAny: the test reads what it wants
    const { json_schema: schema } = asked.response_format as any;
    assert.deepEqual([asked.model, schema.strict, schema.schema.additionalProperties], ['gpt-4o-mini', true, false]);
    await until(async () => (await callsOf('ann')).length === 1, 'the record');
    assert.deepEqual(await callsOf('ann'), [{ kind: 'analysis', status: 'completed' }]);
  });

  it('with a model that answers something else are asked for once more', async () => {
    let times = 0;
    answerWith(() => (times++ === 0 ? 'Nice!' : judgement));
    assert.equal((await sentiment({ text: happy, use_ai: true })).status, 200);
    answerWith(() => 'Nice!');
    const { status, body } = await sentiment({ text: happy, use_ai: true });
    assert.deepEqual([status, body.code], [502, 'upstream_invalid_response']);
    answerWith(() => judgement);
  });

  it('with a model are under guardrails and limits', async () => {
    const blocked = await sentiment({ text: 'This is forbidden.', use_ai: true });
    assert.deepEqual([blocked.status, blocked.body.code], [400, 'guardrail_blocked']);
    const denied = await sentiment({ text: happy, use_ai: true, model: 'gpt-3.5-turbo' });
    assert.deepEqual([denied.status, denied.body.code], [403, 'model_not_allowed']);
    const limited = await insights.stack.sign({ user: 'limited', roles: ['member'] });
    const conversations = Array.from({ length: 8 }, (_, at) => ({ id: `c-${at}`, text: happy }));
    const { status, body } = await batch({ conversations, use_ai: true }, limited);
    assert.equal(status, 200, 'some are answered');
    const codes = body.data.results.map(({ error }: { error?: { code: string } }) => error?.code ?? 'ok');
    assert.deepEqual(codes.toSorted(), [...Array(5).fill('limit_reached'), ...Array(3).fill('ok')]);
    assert.deepEqual(body.data.summary, {
      ...{ positive_count: 3, negative_count: 0, neutral_count: 0, failed_count: 5 },
    });
  });

  it('say of each field what is wrong', async () => {
    const wrong = await sentiment({ text: ' ', use_ai: 'yes' });
    assert.deepEqual(wrong.body.details, {
      text: 'Field must not be blank',
      use_ai: 'Field must be true or false',
    });
    const many = Array.from({ length: 1_001 }, (_, at) => ({ id: String(at), text: 'x' }));
    assert.deepEqual((await batch({ conversations: many })).body.details, {
      conversations: 'Field must have at most 1000 entries',
    });
    assert.deepEqual((await batch({ conversations: [{ id: 'a' }] })).body.details, {
      'conversations[0].text': 'Field is required',
    });
  });

  it('of a batch are in its order; a text that fails does not affect the others', async () => {
    const conversations = [
      { id: 'conv-123', text: "I've been trying to reach you for days, and nobody answers! Awful." },
      { id: 'conv-124', text: 'Thank you for resolving my issue so quickly.' },
      { id: 'conv-125', text: 'Der Kundendienst hat mir sehr schnell geholfen.' },
    ];
    const { status, body } = await batch({ conversations });
    assert.equal(status, 200, JSON.stringify(body));
    const shown = body.data.results.map((one: Record<string, unknown>) => [one.id, one.sentiment]);
    assert.deepEqual(shown, [
      ['conv-123', 'negative'],
      ['conv-124', 'positive'],
      ['conv-125', undefined],
    ]);
    assert.equal(body.data.results[2].error.code, 'language_unsupported');
    assert.deepEqual(body.data.summary, {
      ...{ positive_count: 1, negative_count: 1, neutral_count: 0, failed_count: 1 },
    });
  });

  it('of a thousand long texts do not keep other requests waiting', async () => {
    const text = `${'The service was very good, but not the price. '.repeat(20)}`;
    const conversations = Array.from({ length: 1_000 }, (_, at) => ({ id: String(at), text }));
    let isDone = false;
    const all = batch({ conversations }).finally(() => {
      isDone = true;
    });
    let answered = 0;
    while (!isDone) {
      // It needs no database, which other tests keep busy.
      assert.equal((await insights.ask('GET', '/ai/providers', undefined, { token: ann })).status, 200);
      answered += 1;
    }
    assert.equal((await all).body.data.summary.positive_count, 1_000);
    assert.ok(answered >= 3, `${answered} answers meanwhile`);
  });

  it('of a batch can be left to a worker: progress, results, and nobody else’s eyes', async () => {
    answerWith((text) => (text.includes('broken') ? 500 : judgement));
    const conversations = Array.from({ length: 30 }, (_, at) => ({
      id: `c-${at}`,
      text: at === 7 ? 'My broken phone' : `My phone ${at} is fine`,
    }));
    const queued = await batch({ conversations, use_ai: true, async: true });
    assert.equal(queued.status, 202, JSON.stringify(queued.body));
    assert.deepEqual([queued.body.status_code, queued.body.data.status], [202, 'queued']);
    assert.deepEqual(queued.body.data.progress, { total: 30, done: 0, failed: 0 });
    const path = `/analyze/batch/${queued.body.data.batch_id}`;
    const stored = await db.query('select texts_encrypted::text as sealed from chaperone.text_batches');
    assert.doesNotMatch(JSON.stringify(stored.rows), new RegExp(Buffer.from('broken').toString('hex')));
    await worker.start();
    const ended = await until(async () => {
      const { body } = await insights.ask('GET', path, undefined, { token: ann });
      return body.data.status === 'completed' && body.data;
    }, 'the worker to be ready');
    assert.deepEqual(ended.progress, { total: 30, done: 30, failed: 1 });
    assert.deepEqual(
      ended.results.map(({ id }: { id: string }) => id),
      conversations.map(({ id }) => id),
    );
    assert.equal(ended.results[7].error.code, 'upstream_error');
    assert.equal(ended.summary.positive_count, 29);
    assert.equal((await insights.ask('GET', path, undefined, { token: eve })).body.code, 'batch_not_found');
    assert.equal((await insights.ask('GET', path)).status, 200, 'an admin');
    const left = await db.query('select texts_encrypted from chaperone.text_batches where texts_encrypted is not null');
    assert.equal(left.rows.length, 0, 'the texts are gone');
    answerWith(() => judgement);
  });

  it('of a batch go with the erasure of their user', async () => {
    const queued = await batch({ conversations: [{ id: 'a', text: happy }], async: true }, eve);
    const path = `/analyze/batch/${queued.body.data.batch_id}`;
    await until(
      async () => (await insights.ask('GET', path, undefined, { token: eve })).body.data?.status === 'completed',
      'it',
    );
    assert.equal((await sentiment({ text: happy, use_ai: true }, eve)).status, 200);
    await until(async () => (await callsOf('eve')).length === 1, 'eve to be known');
    const admin = await insights.stack.sign({ user: 'root', roles: ['admin'] });
    const erased = await fetch(new URL('/v1/users/eve/erase', insights.stack.baseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}` },
    });
    assert.ok(erased.ok, await erased.text());
    assert.equal((await insights.ask('GET', path)).body.code, 'batch_not_found');
  });
});
