import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { type Insights, setSpec, startInsights } from './insights-stack.ts';

const stocks = {
  query: 'What stocks should I invest in for maximum returns?',
  response: 'Diversify across technology and energy.',
  category: 'investment_advice',
  priority: 2,
  metadata: { customer_id: 'cust-789', interaction_id: 'int-456' },
};
const edited = 'Diversify across technology and energy. All investments carry risk.';

/** Human review of contract 3, through the front door. */
describe('human review', () => {
  const scope = suiteScope();
  let insights: Insights;
  let db: Client;
  let app: string;
  let rita: string;
  let rob: string;
  let ruth: string;
  let ann: string;
  before(async () => {
    insights = await startInsights(scope, { 'insights.review': { leaseDuration: '1h', expectedTime: '30m' } });
    db = await connect(scope, insights.stack.database.url);
    const hook = { name: 'crm', url: 'https://hooks.example.com/crm' };
    assert.equal((await insights.ask('POST', '/webhooks', hook)).status, 201);
    const sign = (user: string, role: string) => insights.stack.sign({ user, roles: [role] });
    app = await sign('app', 'member');
    rita = await sign('rita', 'reviewer');
    rob = await sign('rob', 'reviewer');
    ruth = await sign('ruth', 'reviewer');
    ann = await sign('ann', 'analyst');
  });
  const ask = (method: string, path: string, body?: unknown, token = rita) =>
    insights.ask(method, `/review${path}`, body, { token });
  const queue = async (more: object = {}, token = app): Promise<string> => {
    const { status, body } = await ask('POST', '/queue', { ...stocks, ...more }, token);
    assert.equal(status, 200, JSON.stringify(body));
    return body.data.item_id;
  };
  const decide = (item_id: string, approved: boolean, token = rita, more: object = {}) =>
    ask('POST', '/decision', { item_id, approved, ...more }, token);
  const get = async (id: string, token = rita) => (await ask('GET', `/items/${id}`, undefined, token)).body.data;
  const claim = (id: string, token = rita) => ask('POST', `/items/${id}/claim`, undefined, token);

  it('goes from the queue to a decision, as the contract has it', async () => {
    const before = Date.now();
    const { body } = await ask('POST', '/queue', stocks, app);
    const { item_id, status, estimated_review_time } = body.data;
    assert.match(item_id, /^rev-[0-9a-f]{24}$/);
    assert.equal(status, 'queued');
    const expected = Date.parse(estimated_review_time) - before;
    assert.ok(expected >= 1_799_000 && expected < 1_860_000, 'the setting, since there is no history');
    const feedback = 'Proper disclaimers';
    const decided = await decide(item_id, true, rita, { feedback, edits: { modified_response: edited } });
    assert.equal(decided.status, 200, JSON.stringify(decided.body));
    const { review_time, ...shown } = decided.body.data;
    assert.deepEqual(shown, { item_id, status: 'reviewed', reviewer_id: 'rita', approved: true });
    assert.ok(Date.parse(review_time) >= before - 1_000);
    const item = await get(item_id);
    assert.deepEqual(
      [item.status, item.query, item.response, item.final_response, item.edited, item.queued_by, item.metadata],
      ['reviewed', stocks.query, stocks.response, edited, true, 'app', stocks.metadata],
    );
    const [decision] = item.decisions;
    assert.deepEqual([decision.reviewer_id, decision.feedback], ['rita', feedback]);
    assert.deepEqual(decision.edits, {
      modified_response: edited,
      diff: [
        { op: 'equal', text: stocks.response },
        { op: 'insert', text: ' All investments carry risk.' },
      ],
    });
    const own = await get(item_id, app);
    assert.deepEqual([own.final_response, own.decisions, own.comments], [edited, [], []]);
    assert.equal((await decide(item_id, false, rob)).body.code, 'review_item_decided');
  });

  it('keeps what is said sealed, and out of the log', async () => {
    const id = await queue();
    await ask('POST', `/items/${id}/comments`, { text: 'Ask the desk for stocks' });
    await decide(id, false, rita, { feedback: 'No stocks at all' });
    const { rows } = await db.query(
      `select (select string_agg(encode(contents_encrypted, 'escape'), '') from chaperone.review_items)
         || (select string_agg(encode(contents_encrypted, 'escape'), '') from chaperone.review_decisions)
         || (select string_agg(encode(contents_encrypted, 'escape'), '') from chaperone.review_comments)
         || (select string_agg(entry::text, '') from chaperone.audit_log) as everything`,
    );
    assert.doesNotMatch(JSON.stringify(rows), /stocks|Diversify/);
    const entries = await db.query<{ entry: { action: string } }>(
      `select entry::jsonb as entry from chaperone.audit_log where entry::jsonb ->> 'subject' = $1`,
      [`ReviewItem/${id}`],
    );
    assert.deepEqual(
      entries.rows.map(({ entry }) => entry.action),
      ['created', 'changed', 'changed'],
    );
    const events = await db.query<{ type: string; data: { approved?: boolean } }>(
      'select type, data from chaperone.webhook_events where subject = $1 order by occurred_at',
      [`review/${id}`],
    );
    const about = { item_id: id, category: 'investment_advice', priority: 2, source: 'api', response_id: null };
    assert.deepEqual(events.rows, [
      { type: 'review.queued', data: about },
      { type: 'review.decided', data: { ...about, approved: false, edited: false, expired: false } },
    ]);
  });

  it('gives no two reviewers one item', async () => {
    await queue({ category: 'race' });
    const next = (token: string) => ask('POST', '/claim', { category: 'race' }, token);
    const claims = await Promise.all([rita, rob, ruth, rita, rob, ruth].map(next));
    assert.equal(claims.filter(({ body }) => body.data.item !== null).length, 1);
    const more = await Promise.all(Array.from({ length: 5 }, () => queue({ category: 'race' })));
    const all = await Promise.all([rita, rob, ruth, rita, rob].map(next));
    const ids = all.flatMap(({ body }) => body.data.item?.item_id ?? []);
    assert.deepEqual(ids.sort(), more.sort());
  });

  it('gives the most urgent item first, and of those the oldest', async () => {
    const ids = [];
    for (const priority of [4, 1, 1]) ids.push(await queue({ category: 'order', priority }));
    const listed = (await ask('GET', '/items?category=order', undefined, ann)).body.data;
    assert.deepEqual(
      [listed.items.map((item: { item_id: string }) => item.item_id), listed.total],
      [[ids[1], ids[2], ids[0]], 3],
    );
    const first = (await ask('POST', '/claim', { category: 'order' })).body.data.item;
    assert.deepEqual([first.item_id, first.status, first.claimed_by], [ids[1], 'in_review', 'rita']);
    await ask('PATCH', `/items/${ids[0]}`, { priority: 1 });
    assert.equal((await ask('POST', '/claim', { category: 'order' })).body.data.item.item_id, ids[0], 'it is older');
    const paged = (await ask('GET', '/items?category=order&status=in_review&limit=1&offset=1')).body.data;
    assert.deepEqual([paged.items.length, paged.total, paged.offset], [1, 2, 1]);
    assert.equal((await ask('GET', '/items?category=order&priority=4')).body.data.total, 0);
    assert.equal((await ask('GET', '/items?category=order&claimed_by=rita')).body.data.total, 2);
  });

  it('keeps a claimed item from others until it is released, reassigned or over', async () => {
    const id = await queue({ category: 'claims' });
    assert.equal((await claim(id)).body.data.claimed_by, 'rita');
    assert.equal((await claim(id)).status, 200, 'whoever has it claims it anew');
    const refused = await claim(id, rob);
    assert.deepEqual([refused.status, refused.body.code], [409, 'review_item_claimed']);
    assert.deepEqual(refused.body.details, { claimed_by: 'rita' });
    for (const [path, body] of [
      ['release', undefined],
      ['reassign', { reviewer_id: 'rob' }],
    ] as const) {
      assert.equal((await ask('POST', `/items/${id}/${path}`, body, rob)).body.code, 'review_item_claimed', path);
    }
    assert.equal((await decide(id, true, rob)).body.code, 'review_item_claimed');
    assert.equal((await ask('POST', `/items/${id}/release`)).body.data.status, 'queued');
    assert.equal((await claim(id, rob)).body.data.claimed_by, 'rob');
    assert.equal(
      (await ask('POST', `/items/${id}/reassign`, { reviewer_id: 'ruth' }, rob)).body.data.claimed_by,
      'ruth',
    );
    assert.equal((await claim(id, rob)).body.code, 'review_item_claimed');
    // An hour later.
    await db.query(
      `update chaperone.review_items set claimed_until = claimed_until - interval '1 hour' where item_id = $1`,
      [id],
    );
    assert.equal((await get(id)).status, 'queued');
    assert.equal((await claim(id, rob)).body.data.claimed_by, 'rob');
    assert.equal((await decide(id, true, rob)).body.data.status, 'reviewed');
    assert.equal((await claim(id, rob)).body.code, 'review_item_decided');
  });

  it('asks two reviewers, and a third where they disagree', async () => {
    const id = await queue({ category: 'twice', double_review: true });
    const first = await decide(id, true, rita, { edits: { modified_response: edited } });
    assert.deepEqual([first.body.data.status, first.body.data.approved], ['queued', null]);
    assert.equal((await decide(id, true)).body.code, 'review_item_decided');
    assert.equal((await claim(id)).body.code, 'review_item_decided');
    assert.equal((await ask('POST', '/claim', { category: 'twice' })).body.data.item, null);
    const hidden = await get(id, rob);
    assert.deepEqual([hidden.decisions, hidden.reviews, hidden.final_response], [[], 1, null]);
    assert.equal((await get(id)).decisions.length, 1, 'one’s own');
    assert.equal((await decide(id, false, rob)).body.data.status, 'queued');
    const third = await decide(id, true, ruth);
    assert.deepEqual([third.body.data.status, third.body.data.approved], ['reviewed', true]);
    const item = await get(id, ann);
    assert.deepEqual([item.decisions.length, item.final_response], [3, edited]);
  });

  it('says how far reviewers agree', async () => {
    for (const [one, other] of [
      [true, true],
      [true, true],
      [false, false],
      [true, false],
    ] as const) {
      const id = await queue({ category: 'kappa', double_review: true });
      await decide(id, one, rita);
      await decide(id, other, ruth);
    }
    const { data } = (await ask('GET', '/agreement', undefined, ann)).body;
    const pair = data.pairs.find(({ reviewers }: { reviewers: string[] }) => reviewers.includes('ruth'));
    assert.deepEqual(
      [pair.items, pair.both_approve, pair.both_reject, pair.only_first_approves + pair.only_second_approves],
      [4, 2, 1, 1],
    );
    assert.deepEqual([pair.observed_agreement, pair.kappa], [0.75, 0.5]);
    assert.equal(data.items, 5, 'the third decision of an item settles it, and is none of a pair');
    const none = (await ask('GET', '/agreement?start_date=2020-01-01&end_date=2020-02-01', undefined, ann)).body.data;
    assert.deepEqual([none.items, none.pairs, none.krippendorff_alpha], [0, [], null]);
    assert.equal((await ask('GET', '/agreement?start_date=soon')).status, 400);
  });

  it('estimates by how the queue has moved', async () => {
    await db.query(
      `insert into chaperone.review_items (organization_id, item_id, user_id, about_user_id, source, category, priority,
         reviews_needed, status, approved, created_at, reviewed_at)
       select organization_id, 'rev-' || n, user_id, user_id, 'api', 'old', 5, 1, 'reviewed', true,
         now() + n * interval '10 s', now() + n * interval '10 s' + interval '4 hours'
       from (select organization_id, user_id from chaperone.users limit 1) u, generate_series(1, 100) n`,
    );
    const { body } = await ask('POST', '/queue', { ...stocks, priority: 5, category: 'old' }, app);
    const expectedS = (Date.parse(body.data.estimated_review_time) - Date.now()) / 1_000;
    assert.ok(Math.abs(expectedS - 14_400) < 60, String(expectedS));
  });

  it('tells whoever may not, or asks for nonsense', async () => {
    const id = await queue();
    const missing = `/items/rev-${'0'.repeat(24)}`;
    for (const [method, path, body, token, status, code] of [
      ['GET', '/items', undefined, app, 403, 'role_required'],
      ['POST', '/claim', undefined, ann, 403, 'role_required'],
      ['POST', '/decision', { item_id: id, approved: true }, ann, 403, 'role_required'],
      [
        'GET',
        `/items/${id}`,
        undefined,
        await insights.stack.sign({ user: 'eve', roles: ['member'] }),
        404,
        'review_item_not_found',
      ],
      ['GET', missing, undefined, rita, 404, 'review_item_not_found'],
      ['GET', '/items/rev-1', undefined, rita, 404, 'review_item_not_found'],
      ['POST', `${missing}/claim`, undefined, rita, 404, 'review_item_not_found'],
      ['PATCH', `/items/${id}`, {}, rita, 400, 'invalid_request'],
      ['POST', `/items/${id}/reassign`, { reviewer_id: 'a\nb' }, rita, 400, 'invalid_request'],
    ] as const) {
      const answer = await ask(method, path, body, token);
      assert.deepEqual([answer.status, answer.body.code], [status, code], `${method} ${path}`);
    }
    const { details } = (await ask('POST', '/queue', { query: ' ', priority: 9, category: 'x', more: 1 }, app)).body;
    assert.deepEqual(Object.keys(details).sort(), ['more', 'priority', 'query', 'response']);
    assert.match((await decide(id, 'yes' as never)).body.details.approved, /^Field must be a boolean|true or false/);
  });

  it('forgets what was said of a customer, and who a reviewer was', async () => {
    const id = await queue({ metadata: { customer_id: 'carl' }, category: 'gone' });
    const other = await queue({ category: 'gone', double_review: true });
    const roy = await insights.stack.sign({ user: 'roy', roles: ['reviewer'] });
    await decide(other, true, roy, { feedback: 'Roy was here' });
    for (const user of ['carl', 'roy']) {
      const erased = await fetch(new URL(`/v1/users/${user}/erase`, insights.stack.baseUrl), {
        method: 'POST',
        headers: { authorization: `Bearer ${await insights.stack.sign({ user: 'root', roles: ['admin'] })}` },
      });
      assert.equal(erased.status, 200, await erased.text());
    }
    assert.equal((await ask('GET', `/items/${id}`)).status, 404);
    await decide(other, true);
    const { decisions } = await get(other);
    assert.deepEqual([decisions[0].feedback, decisions[0].approved], [null, true]);
    assert.match(decisions[0].reviewer_id, /^erased-/);
  });

  it('queues nothing where the organization keeps no contents', async () => {
    await setSpec(insights.stack.directory, { 'storage.contents': 'None' });
    await until(async () => (await ask('POST', '/queue', stocks, app)).body.code === 'contents_not_stored', 'the edit');
  });
});
