import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import type { Client } from 'pg';
import { connect } from '../../database/tenant.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { everyModel, openRealtime, says } from '../sockets/realtime-client.ts';
import { type Event, openResponses } from '../sockets/responses-client.ts';
import { type Insights, startInsights } from '../surfaces/insights/insights-stack.ts';

const rules = [
  { name: 'advice', action: 'Review', appliesTo: 'Output', words: { words: ['nightingale'] } },
  { name: 'persons', action: 'Review', appliesTo: 'Input', words: { words: ['falcon'] } },
];

/** What a rule with `Review` does where nobody asks for a response of `POST /v1/responses`. */
describe('a guardrail that holds answers', () => {
  const scope = suiteScope();
  let insights: Insights;
  let db: Client;
  let token: string;
  let rita: string;
  before(async () => {
    insights = await startInsights(scope, { guardrails: rules }, { prepare: everyModel() });
    db = await connect(scope, insights.stack.database.url);
    token = await insights.stack.sign({ user: 'bob', roles: ['member'] });
    rita = await insights.stack.sign({ user: 'rita', roles: ['reviewer'] });
  });

  const ask = (path: string, body: object) => insights.ask('POST', path, body, { token });
  const itemOf = async (id: string, as = rita) =>
    (await insights.ask('GET', `/review/items/${id}`, undefined, { token: as })).body.data;
  const release = async (item_id: string, edits?: object) => {
    const decision = { item_id, approved: true, ...(edits && { edits }) };
    const { status, body } = await insights.ask('POST', '/review/decision', decision, { token: rita });
    assert.equal(status, 200, JSON.stringify(body));
  };
  const itemCount = async () => (await db.query('select count(*)::int as n from chaperone.review_items')).rows[0].n;
  /** The item that a refusal names. */
  const itemIn = (text: string) => /\/api\/v1\/review\/items\/(\S+) tells/.exec(text)?.[1] ?? assert.fail(text);
  /** It names the rule, and says why it blocks. */
  const isNoReview = (rule: string, { code, message }: { code?: unknown; message?: unknown }) => {
    assert.equal(code, 'guardrail_blocked');
    assert.match(
      String(message),
      new RegExp(`"${rule}" \\(words\\).*it holds answers for a person.*not possible here`),
    );
  };

  describe('over a WebSocket of the Responses API', () => {
    const open = () => openResponses(scope, insights.stack, {}, token);
    /** What stands instead of the answer, or of the call. */
    const refusalOf = ({ error, ...event }: Event) => {
      const { code, message } = (error ?? event) as { code?: unknown; message?: unknown };
      return { code, text: String(message) };
    };

    it('holds an answer, shows nothing of it, and lets the session go on', async () => {
      const client = await open();
      for (const input of ['Sing, nightingale', 'A falcon']) {
        client.create({ input, stream_id: 'a' });
        const event = await client.next('error');
        const { code, text } = refusalOf(event);
        assert.deepEqual([code, event.stream_id], ['answer_held', 'a']);
        assert.equal((await itemOf(itemIn(text), token)).final_response, null);
      }
      assert.ok(!client.events.some(({ type }) => type !== 'error'), JSON.stringify(client.events));
      client.create({ input: 'Hi' });
      assert.match(JSON.stringify((await client.next('response.completed')).response.output), /Hi/);
    });

    it('lets nobody continue it before it is released, nor what was edited, whatever the provider keeps', async () => {
      const client = await open();
      for (const store of [true, false]) {
        const held = async () => {
          client.create({ input: 'What of the falcon?', store });
          const item_id = itemIn(refusalOf(await client.next('error')).text);
          const { metadata } = await itemOf(item_id);
          return { item_id, previous_response_id: String(metadata.response_id) };
        };
        const { item_id, previous_response_id } = await held();
        const next = { input: 'Say it again', previous_response_id, store };
        client.create(next);
        assert.equal(refusalOf(await client.next('error')).code, 'answer_held');
        await release(item_id);
        assert.match((await itemOf(item_id, token)).final_response, /falcon/);
        client.create({ ...next, input: 'And then?' });
        const { response } = await client.next('response.completed');
        assert.equal(response.previous_response_id, previous_response_id);
        const edited = await held();
        await release(edited.item_id, { modified_response: 'No birds.' });
        client.create({ ...next, previous_response_id: edited.previous_response_id });
        assert.match(refusalOf(await client.next('error')).text, /edited/);
      }
    });

    it('has a record that is billed, with the refusal', async () => {
      const client = await open();
      client.create({ input: 'The last nightingale' });
      const { request_id } = (await itemOf(itemIn(refusalOf(await client.next('error')).text))).metadata;
      const record = await until(async () => {
        const sql = 'select error_code, cost_usd, guardrail_hits from chaperone.requests where request_id = $1';
        return (await db.query(sql, [request_id])).rows[0];
      }, `the record of ${request_id}`);
      assert.deepEqual([record.error_code, record.guardrail_hits], ['answer_held', ['advice']]);
      assert.ok(Number(record.cost_usd) > 0);
    });
  });

  it('refuses in a session of the Realtime API, by its name', async () => {
    const before = await itemCount();
    const client = await openRealtime(scope, insights.stack, { key: token, headers: {} });
    client.send(says('A falcon'));
    isNoReview('persons', (await client.next('error')).error);
    client.send(says('Sing, nightingale'));
    client.send({ type: 'response.create', response: { output_modalities: ['text'] } });
    isNoReview('advice', (await client.next('error')).error);
    assert.doesNotMatch(JSON.stringify(client.events), /response\.output_text\.\w+","event_id[^}]*nightingale/);
    assert.equal(await itemCount(), before);
  });

  it('holds messages of Anthropic’s API, whole and as a stream, in its own error', async () => {
    const anthropic = new Anthropic({
      baseURL: insights.stack.baseUrl.replace(/\/v1\/?$/, ''),
      ...{ apiKey: null, authToken: token, maxRetries: 0 },
    });
    for (const stream of [false, true]) {
      const call = { model: 'gpt-4o-mini', max_tokens: 100, stream };
      let seen = '';
      const made = (async () => {
        const answer = await anthropic.messages.create({
          ...call,
          messages: [{ role: 'user', content: 'Sing, nightingale' }],
        });
        if (Symbol.asyncIterator in answer) for await (const event of answer) seen += JSON.stringify(event);
      })();
      const refusal = await made.then(
        () => assert.fail('it passed'),
        (error: unknown) => (error instanceof Anthropic.APIError ? error : assert.fail(String(error))),
      );
      assert.equal(seen, '');
      assert.match((await itemOf(itemIn(refusal.message))).response, /nightingale/);
    }
  });

  it('refuses what contract 3 generates and classifies, by its name', async () => {
    const before = await itemCount();
    for (const stream of [false, true]) {
      const said = await ask('/ai/generate', { prompt: 'A falcon', stream });
      assert.equal(said.status, 400, JSON.stringify(said.body));
      isNoReview('persons', said.body);
    }
    const answered = await ask('/ai/generate', { prompt: 'Sing, nightingale' });
    isNoReview('advice', answered.body);
    const streamed = await ask('/ai/generate', { prompt: 'Sing, nightingale', stream: true });
    assert.match(JSON.stringify(streamed.body), /guardrail_blocked/);
    const classified = await ask('/ai/classify', { text: 'A falcon', categories: ['bird', 'fish'] });
    isNoReview('persons', classified.body);
    assert.equal(await itemCount(), before);
  });

  it('refuses what customers say to the support desk, by its name', async () => {
    const before = await itemCount();
    for (const stream of [false, true]) {
      const said = await ask('/conversations', { message: 'What of the falcon?', user_id: 'bob', stream });
      assert.match(JSON.stringify(said.body), /guardrail_blocked/);
    }
    assert.equal(await itemCount(), before);
  });

  it('is said to refuse by an explanation, where it cannot hold', async () => {
    const explained = await fetch(new URL('/v1/explain', insights.stack.baseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ operation: 'embeddings', body: { model: 'text-embedding-3-small', input: 'A falcon' } }),
    });
    const { outcome, error, notes } = JSON.parse(await explained.text());
    assert.equal(outcome, 'refused');
    isNoReview('persons', error);
    assert.doesNotMatch(JSON.stringify(notes), /would hold/);
  });
});
