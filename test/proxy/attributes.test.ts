import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

import { type Ask, makeAsk } from './surfaces/governance/ask.ts';

/** What a call says of its client and of the person behind it is in its record, and decides nothing. */
describe('attributes of calls', () => {
  const scope = suiteScope();
  let stack: Stack;
  let ask: Ask;
  let owner: Client;

  before(async () => {
    stack = await startStack(scope);
    ask = makeAsk(stack);
    owner = await connect(scope, stack.database.url);
  });

  const recordOf = (requestId: string) =>
    until(async () => {
      const { rows } = await owner.query(
        `select r.kind, client_name, client_version, safety_identifier, end_user, u.external_id
         from chaperone.requests r left join chaperone.users u using (organization_id, user_id)
         where request_id = $1`,
        [requestId],
      );
      return rows[0] ?? false;
    }, `the record of ${requestId}`);
  const sdk = () =>
    new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, defaultHeaders: { 'X-User-ID': 'ada' }, maxRetries: 0 });
  const version = /^\d+\.\d+\.\d+$/;

  it('are those of the SDK and of the body', async () => {
    const { response } = await sdk()
      .responses.create({ model: 'gpt-4o', input: 'Hi', safety_identifier: 'hashed-1', user: 'customer-7' })
      .withResponse();
    const { client_version, ...record } = await recordOf(response.headers.get('x-request-id') ?? '');
    assert.match(client_version, version);
    assert.deepEqual(record, {
      kind: 'call',
      client_name: 'OpenAI/JS',
      safety_identifier: 'hashed-1',
      end_user: 'customer-7',
      external_id: 'ada',
    });
  });

  it('are those of a stream, of a form, and of a call in the background', async () => {
    const chat = await sdk()
      .chat.completions.create({
        model: 'gpt-4o',
        stream: true,
        messages: [{ role: 'user', content: 'Hi' }],
        user: 'customer-8',
      })
      .withResponse();
    for await (const _ of chat.data);
    const form = new FormData();
    form.set('model', 'gpt-4o');
    form.set('prompt', 'A cat');
    form.set('image', new Blob(['PNG'.repeat(100_000)]), 'cat.png');
    // Behind the file, so it arrives when the call has gone upstream.
    form.set('user', 'customer-9');
    // Whatever the provider makes of it, it is a call.
    const edit = await fetch(`${stack.baseUrl}/images/edits`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'user-agent': 'OpenAI/JS 7.0.0' },
      body: form,
    });
    await edit.arrayBuffer();
    const background = await sdk()
      .responses.create({ model: 'gpt-4o', input: 'Hi', background: true, user: 'customer-10' })
      .withResponse();
    for (const [{ headers }, user] of [
      [chat.response, 'customer-8'],
      [edit, 'customer-9'],
      [background.response, 'customer-10'],
    ] as const) {
      const record = await recordOf(headers.get('x-request-id') ?? '');
      assert.deepEqual([record.client_name, record.end_user], ['OpenAI/JS', user]);
    }
  });

  it('are those of the caller who asked for an analysis', async () => {
    const agent = { 'user-agent': 'triage-bot/1.4' };
    const call = await ask('POST', '/responses', { model: 'gpt-4o', input: 'My bill is wrong' }, agent);
    const id = call.headers.get('x-request-id') ?? '';
    const analysis = await ask(
      'POST',
      '/analysis',
      { id, config: { analysis_type: 'intent', categories: [{ name: 'a', description: 'b' }] } },
      agent,
    );
    assert.equal(analysis.status, 200);
    const rows = await until(async () => {
      const { rows } = await owner.query(
        `select kind, client_name, client_version from chaperone.requests
         where client_name = 'triage-bot' order by kind`,
      );
      return rows.length === 2 && rows;
    }, 'both records');
    assert.deepEqual(
      rows.map(({ kind, client_name, client_version }) => [kind, client_name, client_version]),
      [
        ['analysis', 'triage-bot', '1.4'],
        ['call', 'triage-bot', '1.4'],
      ],
    );
  });

  it('are unknown where the client states none, and cut where they are too long', async () => {
    const bodies = [
      [{ user: 7, safety_identifier: null }, [null, null]],
      [{ user: '', safety_identifier: 'a\u0000b' }, ['a\ufffdb', null]],
      [{ user: 'u'.repeat(1_000), safety_identifier: '\ud800' }, ['\ufffd', 'u'.repeat(255)]],
    ] as const;
    for (const [more, expected] of bodies) {
      const { headers } = await ask(
        'POST',
        '/responses',
        { model: 'gpt-4o', input: 'Hi', ...more },
        { 'user-agent': `${'x'.repeat(5_000)}/1.0` },
      );
      const record = await recordOf(headers.get('x-request-id') ?? '');
      assert.deepEqual([record.safety_identifier, record.end_user], expected);
      assert.deepEqual([record.client_name, record.client_version], ['x'.repeat(64), null]);
    }
  });

  it("never contain the user's identity", async () => {
    const { body } = await ask('POST', '/personas', { name: 'Of eve', content: 'Hi', user_id: 'eve' });
    const member = {
      authorization: `Bearer ${await stack.sign({ user: 'bob', roles: ['member'] })}`,
      'x-user-id': 'bob',
    };
    const call = { model: 'gpt-4o', input: 'Hi', persona_id: body.id, user: 'eve', safety_identifier: 'eve' };
    const { status, body: answer } = await ask('POST', '/responses', call, member);
    assert.deepEqual([status, answer.error.code], [404, 'persona_not_found']);
  });

  describe('filter analytics', () => {
    const [mine, other] = ['support-bot/2.1', 'sales-bot/1.0'];
    const user = { 'x-user-id': 'filters' };
    let personaId: string;
    before(async () => {
      personaId = (await ask('POST', '/personas', { name: 'Filtered', content: 'Hi' })).body.id;
      const say = (agent: string, body: object) =>
        ask(
          'POST',
          '/responses',
          { model: 'gpt-4o', input: 'Hi', ...body },
          { ...user, 'user-agent': agent, 'x-session-id': agent },
        );
      const first = await say(mine, {
        end_user: 'not a field',
        user: 'c-1',
        safety_identifier: 's-1',
        persona_id: personaId,
      });
      await say(mine, { user: 'c-2', safety_identifier: 's-1', metadata: { sandbox: 'status=500' } });
      await say('support-bot/2.2', { user: 'c-1' });
      await say(other, { user: 'c-1' });
      await ask('POST', `/responses/${first.body.id}/rate`, { rating: 1 }, user);
      await recordOf(first.headers.get('x-request-id') ?? '');
    });
    const get = (path: string) => ask('GET', `/analytics/${path}`);

    const counts: readonly (readonly [query: string, calls: number])[] = [
      ['client=support-bot', 3],
      ['client=support-bot/2.1', 2],
      ['client=support-bot%202.2', 1],
      ['client=SUPPORT-BOT', 0],
      ['client=support-bot&user_id=filters', 3],
      ['client=support-bot&user_id=ada', 0],
      ['safety_identifier=s-1', 2],
      ['end_user=c-1&user_id=filters', 3],
      ['end_user=c-1&client=sales-bot', 1],
      ['end_user=c-1&client=sales-bot&kind=analysis', 0],
      ['end_user=c-1&safety_identifier=s-2', 0],
      ['end_user=c%5F1', 0],
    ];
    for (const [query, calls] of counts) {
      it(`by ${query}`, async () => {
        for (const path of ['models', 'user-usage', 'sessions', 'clients']) {
          const { status, body } = await get(`${path}?${query}`);
          assert.deepEqual([status, body.total_requests], [200, calls], path);
        }
      });
    }

    it('of sessions, personas and ratings', async () => {
      const { body: sessions } = await get('sessions?client=support-bot');
      assert.deepEqual(
        // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
        sessions.sessions.map(({ session_id, request_count }: any) => [session_id, request_count]).sort(),
        [
          ['support-bot/2.1', 2],
          ['support-bot/2.2', 1],
        ],
      );
      assert.deepEqual([sessions.total_sessions, sessions.active_sessions], [2, 2]);
      const { body: personas } = await get('personas?client=support-bot');
      assert.deepEqual([personas.total_requests, personas.excluded.request_count], [1, 2]);
      const requests = async (query: string) =>
        (await get(`personas/${personaId}?${query}`)).body.persona.request_count;
      assert.deepEqual([await requests('client=support-bot'), await requests('client=sales-bot')], [1, 0]);
      const rated = async (query: string) => (await get(`rated-responses?${query}`)).body.total_rated;
      assert.deepEqual([await rated('safety_identifier=s-1'), await rated('client=sales-bot')], [1, 0]);
    });

    it('that list the clients', async () => {
      const { body } = await get('clients?user_id=filters');
      assert.deepEqual(
        // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
        body.clients.map((one: any) => [one.client, one.version, one.request_count, one.failure_count]),
        [
          ['support-bot', '2.1', 2, 1],
          ['sales-bot', '1.0', 1, 0],
          ['support-bot', '2.2', 1, 0],
        ],
      );
      assert.deepEqual([body.total_clients, body.total_requests, body.filtered_by_user], [3, 4, 'filters']);
    });

    const mistakes: readonly (readonly [query: string, param: string])[] = [
      ['client=', 'client'],
      ['client=%22quoted%22', 'client'],
      ['end_user=', 'end_user'],
      [`safety_identifier=${'x'.repeat(256)}`, 'safety_identifier'],
      ['client=support-bot&start_date=2020-01-01', 'start_date'],
      ['end_user=c-1&start_date=2026-01-01&end_date=2026-02-01', 'start_date'],
    ];
    for (const [query, param] of mistakes) {
      it(`refuse ${query.slice(0, 60)}`, async () => {
        for (const path of [
          'models',
          'user-usage',
          'sessions',
          'personas',
          `personas/${personaId}`,
          'rated-responses',
          'clients',
        ]) {
          const { status, body } = await get(`${path}?${query}`);
          assert.deepEqual([status, body.error.code, body.error.param], [400, 'invalid_request', param], path);
        }
      });
    }

    it('cover at most a month', async () => {
      assert.equal((await get('models?end_user=c-1&start_date=2026-01-01&end_date=2026-01-31')).status, 200);
      assert.equal((await get('clients?start_date=2026-01-01&end_date=2026-02-01')).status, 400);
    });

    it('show a member only its own calls', async () => {
      const member = { authorization: `Bearer ${await stack.sign({ roles: ['member'] })}`, 'x-user-id': 'someone' };
      const { status, body } = await ask('GET', '/analytics/models?client=support-bot', undefined, member);
      assert.deepEqual([status, body.total_requests, body.excluded.request_count], [200, 0, 0]);
    });
  });
});
