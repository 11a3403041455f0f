import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { Client } from 'pg';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { suiteScope } from '../up/start-up.ts';
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
    owner = new Client({ connectionString: stack.database.url });
    await owner.connect();
    scope.after(() => owner.end());
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

  it('are those of a stream, of a form, and of a call that goes on after its answer', async () => {
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
    for (const [name, value] of Object.entries({ model: 'gpt-4o', prompt: 'A cat', user: 'customer-9' })) {
      form.set(name, value);
    }
    form.set('image', new Blob(['PNG']), 'cat.png');
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

  it('are those of whoever asked for an analysis', async () => {
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

  it('are unknown where nothing is said, and bounded where much is', async () => {
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

  it('never say who the user is', async () => {
    const { body } = await ask('POST', '/personas', { name: 'Of eve', content: 'Hi', user_id: 'eve' });
    const member = {
      authorization: `Bearer ${await stack.sign({ user: 'bob', roles: ['member'] })}`,
      'x-user-id': 'bob',
    };
    const call = { model: 'gpt-4o', input: 'Hi', persona_id: body.id, user: 'eve', safety_identifier: 'eve' };
    const { status, body: answer } = await ask('POST', '/responses', call, member);
    assert.deepEqual([status, answer.error.code], [404, 'persona_not_found']);
  });
});
