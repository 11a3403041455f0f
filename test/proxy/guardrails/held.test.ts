import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { expireHeldAnswers } from '../../../database/reviews/held.ts';
import { connect } from '../../database/tenant.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type Insights, startInsights } from '../surfaces/insights/insights-stack.ts';

const rules = [
  { name: 'mail', action: 'Redact', appliesTo: 'Output', pii: { kinds: ['email'] } },
  {
    ...{ name: 'advice', action: 'Review', appliesTo: 'Output', match: { users: ['bob'] } },
    words: { words: ['nightingale'] },
  },
  { name: 'persons', action: 'Review', appliesTo: 'Input', words: { words: ['falcon'] } },
];

/** Answers that a person must release, by OpenAI's SDK and the review queue of contract 3. */
describe('an answer that a guardrail holds', () => {
  const scope = suiteScope();
  let insights: Insights<ProxyProcess>;
  let bob: OpenAI;
  let db: Client;
  let member: string;
  let rita: string;
  before(async () => {
    insights = await startInsights(scope, { guardrails: rules }, { ownProcess: true });
    const { stack } = insights;
    db = await connect(scope, stack.database.url);
    member = await stack.sign({ user: 'bob', roles: ['member'] });
    rita = await stack.sign({ user: 'rita', roles: ['reviewer'] });
    bob = new OpenAI({ baseURL: stack.baseUrl, apiKey: member, maxRetries: 0 });
    const hook = { name: 'crm', url: 'https://hooks.example.com/crm' };
    assert.equal((await insights.ask('POST', '/webhooks', hook)).status, 201);
  });

  const start = (input: string, faults = 'work=0', more: object = {}) =>
    bob.responses.create({
      ...{ model: 'gpt-4o-mini', input, background: true, metadata: { sandbox: faults } },
      ...more,
    });
  const itemsOf = async (id: string) => {
    const { body } = await insights.ask('GET', '/review/items?limit=100', undefined, { token: rita });
    // biome-ignore lint/suspicious/noExplicitAny: an item of the queue
    return body.data.items.filter((item: any) => item.metadata.response_id === id);
  };
  /** The item of a response, although nobody has asked for the response. */
  const itemOf = (id: string) => until(async () => (await itemsOf(id).catch(() => []))[0], `the item of ${id}`, 60_000);
  /** The item of a response whose caller asks for it. */
  const itemOfAsked = async (id: string) => {
    await until(async () => {
      assert.equal((await bob.responses.retrieve(id)).output.length, 0);
      return (await itemsOf(id)).length > 0;
    }, `the item of ${id}`);
    return (await itemsOf(id))[0];
  };
  const decide = async (item_id: string, approved: boolean, more: object = {}) => {
    const { status, body } = await insights.ask(
      ...(['POST', '/review/decision', { item_id, approved, ...more }, { token: rita }] as const),
    );
    assert.equal(status, 200, JSON.stringify(body));
  };
  const own = async (item_id: string) =>
    (await insights.ask('GET', `/review/items/${item_id}`, undefined, { token: member })).body.data;
  const refusalOf = async (call: PromiseLike<unknown>) => {
    const error = await Promise.resolve(call).then(
      () => assert.fail('it passed'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof OpenAI.APIError, String(error));
    return { status: error.status, code: error.code, message: error.message, headers: error.headers };
  };
  const recordsOf = async (responseId: string) => {
    const { rows } = await db.query(
      `select r.status, r.cost_usd, r.guardrail_hits, c.contents_encrypted is not null as has_contents
       from chaperone.requests r left join chaperone.request_contents c using (organization_id, started_at, request_id)
       where response_id = $1`,
      [responseId],
    );
    return rows;
  };
  const recordOf = (id: string) => until(async () => (await recordsOf(id))[0], `the record of ${id}`);

  it('is in progress for its caller until a reviewer has edited and released it', async () => {
    const { id, status } = await start('Tell ada@example.com of the nightingale');
    assert.equal(status, 'queued');
    const item = await itemOf(id);
    assert.deepEqual(
      [item.source, item.category, item.held_by, item.query, item.queued_by, item.priority, item.metadata.side],
      ['guardrail', 'advice', 'advice', 'Tell ada@example.com of the nightingale', 'bob', 2, 'Output'],
    );
    assert.match(item.response, /nightingale/);
    assert.doesNotMatch(item.response, /ada@example\.com/, 'other guardrails have acted before');
    const record = await recordOf(id);
    assert.deepEqual([record.status, record.has_contents], ['completed', false]);
    assert.ok(record.guardrail_hits.includes('advice') && Number(record.cost_usd) > 0, 'it is accounted for at once');

    const held = await bob.responses.retrieve(id);
    assert.deepEqual([held.status, held.output, held.usage], ['in_progress', [], null]);
    const { response, final_response, metadata } = await own(item.item_id);
    assert.deepEqual([response, final_response, metadata.response_id], ['', null, id], 'nor by the item');
    const following = { model: 'gpt-4o-mini', input: 'Say it again', previous_response_id: id };
    assert.equal((await refusalOf(bob.responses.create(following))).code, 'answer_held');
    assert.equal((await refusalOf(bob.responses.retrieve(id, { stream: true }))).code, 'invalid_request');

    await decide(item.item_id, true, { edits: { modified_response: 'No birds, see eve@example.com.' } });
    const released = await bob.responses.retrieve(id);
    assert.equal(released.status, 'completed');
    assert.match(released.output_text, /^No birds, see \[EMAIL_\w+\]\.$/, 'other guardrails act on the edit, too');
    assert.ok((released.usage?.total_tokens ?? 0) > 0);
    assert.equal((await own(item.item_id)).response, 'No birds, see eve@example.com.');
    assert.match((await refusalOf(bob.responses.create(following))).message, /edited/);
    assert.equal((await recordsOf(id)).length, 1);
    assert.equal((await itemsOf(id)).length, 1);
  });

  it('is as the model wrote it where it is released without an edit, and calls can go on from it', async () => {
    const { id } = await start('What of the falcon?');
    const item = await itemOfAsked(id);
    assert.deepEqual([item.held_by, item.metadata.side], ['persons', 'Input']);
    await decide(item.item_id, true);
    const released = await bob.responses.retrieve(id);
    assert.deepEqual([released.status, released.output_text], ['completed', item.response]);
    assert.equal((await bob.responses.retrieve(id)).status, 'completed', 'it is not held again');
    const next = await bob.responses.create({ model: 'gpt-4o', input: 'And then?', previous_response_id: id });
    assert.equal(next.status, 'completed');
  });

  it('is refused by the rule’s name where it is rejected', async () => {
    const { id } = await start('Secret words about a nightingale');
    const { item_id } = await itemOfAsked(id);
    await decide(item_id, false, { feedback: 'Not in this tone' });
    const { status, code, message } = await refusalOf(bob.responses.retrieve(id));
    assert.deepEqual([status, code], [400, 'guardrail_blocked']);
    assert.match(message, /"advice" \(words\).*rejected/);
    assert.doesNotMatch(message, /nightingale|Secret|tone/);
    const { response, final_response, approved } = await own(item_id);
    assert.deepEqual([response, final_response, approved], ['', null, false]);
  });

  it('counts as rejected where nobody decides in time', async () => {
    const { id } = await start('A nightingale that nobody hears');
    const { item_id } = await itemOfAsked(id);
    await db.query(`update chaperone.review_items set held_until = now() - interval '1 s' where item_id = $1`, [
      item_id,
    ]);
    const { code, message } = await refusalOf(bob.responses.retrieve(id));
    assert.equal(code, 'guardrail_blocked');
    assert.match(message, /in time/);
    const late = await insights.ask('POST', '/review/decision', { item_id, approved: true }, { token: rita });
    assert.deepEqual([late.status, late.body.code], [409, 'review_item_decided']);
    const counts: number[] = [];
    for (let round = 0; round < 2; round += 1) await expireHeldAnswers(db, (items) => counts.push(items));
    assert.deepEqual(counts, [1], 'once');
    const { rows } = await db.query(
      `select i.status, i.approved,
         (select data ->> 'expired' from chaperone.webhook_events e where e.subject = 'review/' || i.item_id and type = 'review.decided') as told,
         (select count(*)::integer from chaperone.audit_log l where l.entry::jsonb ->> 'subject' = 'ReviewItem/' || i.item_id and l.entry like '%review.expired%') as audited,
         (select count(*)::integer from chaperone.live_events v where v.data ->> 'item_id' = i.item_id and v.data ->> 'action' = 'expired') as live
       from chaperone.review_items i where i.item_id = $1`,
      [item_id],
    );
    assert.deepEqual(rows, [{ status: 'reviewed', approved: false, told: 'true', audited: 1, live: 1 }]);
  });

  it('of a call that waits is refused with the item that has it', async () => {
    const call = { model: 'gpt-4o-mini', messages: [{ role: 'user' as const, content: 'Sing, nightingale' }] };
    const { status, code, message, headers } = await refusalOf(bob.chat.completions.create(call));
    assert.deepEqual([status, code], [403, 'answer_held']);
    const item_id = headers?.get('x-chaperone-review-item') ?? '';
    assert.ok(message.includes(`/api/v1/review/items/${item_id}`), message);
    assert.equal((await own(item_id)).final_response, null);
    await decide(item_id, true);
    assert.match((await own(item_id)).final_response, /nightingale/);
    const { request_id } = (await own(item_id)).metadata;
    const record = await until(async () => {
      const query = 'select error_code, cost_usd from chaperone.requests where request_id = $1';
      return (await db.query(query, [request_id])).rows[0];
    }, `the record of ${request_id}`);
    assert.equal(record.error_code, 'answer_held');
    assert.ok(Number(record.cost_usd) > 0);
  });

  it('shows nothing in a stream', async () => {
    for (const content of ['Sing, nightingale', 'A falcon']) {
      let seen = '';
      const streamed = (async () => {
        const stream = await bob.chat.completions.create({
          ...{ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content }] },
        });
        for await (const chunk of stream) seen += JSON.stringify(chunk);
      })();
      assert.equal((await refusalOf(streamed)).code, 'answer_held');
      assert.equal(seen, '');
    }
    const passes = await bob.chat.completions.create({
      ...{ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'Hi' }] },
    });
    let count = 0;
    for await (const _ of passes) count += 1;
    assert.ok(count > 1, 'what nothing is found in passes');
  });

  it('is no stream either, however the address asks for one', async () => {
    // No rule of hers is about answers, so that none needs a whole one.
    const token = await insights.stack.sign({ user: 'eve', roles: ['member'] });
    const eve = new OpenAI({ baseURL: insights.stack.baseUrl, apiKey: token, maxRetries: 0 });
    const { id } = await eve.responses.create({ model: 'gpt-4o-mini', input: 'What of the falcon?', background: true });
    await itemOf(id);
    // A provider reads the address by its own rules.
    for (const stream of ['stream=true', 'stream=tru%65', '%73tream=true']) {
      const answer = await fetch(`${insights.stack.baseUrl}/responses/${id}?${stream}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const text = await answer.text();
      assert.equal(answer.status, 400, text);
      assert.equal(JSON.parse(text).error.param, 'stream');
    }
  });

  it('is drafted, and not shown to the application', async () => {
    const { body } = await insights.ask(
      'POST',
      '/generate/response',
      { query: 'Who is the falcon?' },
      { token: member },
    );
    const { response, held_by, requires_human_review, item_id, review_reasons } = body.data;
    assert.deepEqual([response, held_by, requires_human_review], ['', 'persons', true]);
    assert.ok(review_reasons.includes('guardrail'));
    assert.equal((await own(item_id)).final_response, null);
    await decide(item_id, true, { edits: { modified_response: 'A bird.' } });
    assert.equal((await own(item_id)).final_response, 'A bird.');
  });

  it('is refused where it could not be held', async () => {
    const embed = bob.embeddings.create({ model: 'text-embedding-3-small', input: 'A falcon' });
    assert.equal((await refusalOf(embed)).code, 'guardrail_blocked');
    const conversation = await bob.conversations.create();
    const call = start('Hello', 'work=0', { conversation: conversation.id });
    assert.match((await refusalOf(call)).message, /previous_response_id/);
  });

  it('is foretold by an explanation', async () => {
    const question = { operation: 'responses', body: { model: 'gpt-4o-mini', input: 'A falcon', background: true } };
    const answer = await fetch(new URL('/v1/explain', insights.stack.baseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${member}`, 'content-type': 'application/json' },
      body: JSON.stringify(question),
    });
    const { outcome, guardrails, notes } = (await answer.json()) as Record<string, never>;
    assert.equal(outcome, 'allowed');
    assert.match(JSON.stringify(guardrails), /"action":"Review","finds":true/);
    assert.match(JSON.stringify(notes), /persons.*would hold the answer/);
  });

  it('is in the audit log at each step, and webhooks hear which response it is', async () => {
    const { id } = await start('One more nightingale');
    const { item_id } = await itemOfAsked(id);
    await decide(item_id, true);
    const { rows } = await db.query<{ entry: string }>(
      `select entry from chaperone.audit_log where entry::jsonb ->> 'subject' = $1 order by seq`,
      [`ReviewItem/${item_id}`],
    );
    const told = rows.map(({ entry }) => JSON.parse(entry));
    assert.deepEqual(
      told.map(({ action }) => action),
      ['created', 'changed'],
    );
    assert.doesNotMatch(JSON.stringify(told), /nightingale/);
    const events = await db.query(
      `select type, data ->> 'response_id' as response_id from chaperone.webhook_events where subject = $1 order by occurred_at`,
      [`review/${item_id}`],
    );
    assert.deepEqual(events.rows, [
      { type: 'review.queued', response_id: id },
      { type: 'review.decided', response_id: id },
    ]);
    const metrics = await (await fetch(`http://127.0.0.1:${insights.stack.proxy.metricsPort}/metrics`)).text();
    assert.match(metrics, /^chaperone_held_answers_total\{[^}]*rule="advice"[^}]*\} [1-9]/m);
    assert.match(metrics, /^chaperone_guardrail_hits_total\{[^}]*action="Review"[^}]*\} [1-9]/m);
  });

  it('survives a killed proxy: held once, billed once', async () => {
    const { proxy } = insights.stack;
    const { id } = await start('The falcon and the nightingale', 'work=1500');
    const pid = proxy.pid() ?? 0;
    process.kill(pid, 'SIGKILL');
    await until(() => proxy.pid() !== pid, 'the proxy to be started again');
    const item = await itemOf(id);
    assert.equal(item.query, 'The falcon and the nightingale');
    assert.equal((await bob.responses.retrieve(id)).status, 'in_progress');
    await decide(item.item_id, true);
    assert.equal((await bob.responses.retrieve(id)).status, 'completed');
    await recordOf(id);
    assert.deepEqual([(await recordsOf(id)).length, (await itemsOf(id)).length], [1, 1]);
  });
});
