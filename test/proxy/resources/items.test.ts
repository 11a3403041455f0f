import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { startProxy } from '../../proxy-process.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

/** Items of answers that later calls name: whose they are is known wherever the answer was given, and after a restart. */
describe('the items of a response', () => {
  const scope = suiteScope();
  let stack: Stack;
  let bob: OpenAI;
  let elsewhere: OpenAI;

  const clientOf = (baseURL: string, user: string) =>
    new OpenAI({ baseURL, apiKey: stack.token, defaultHeaders: { 'X-User-ID': user }, maxRetries: 0 });

  before(async () => {
    stack = await startStack(scope);
    bob = clientOf(stack.baseUrl, 'bob');
    const other = await startProxy(scope, {
      credentialsDirectory: stack.credentialsDirectory,
      upstreamUrl: stack.upstreamUrl,
    });
    elsewhere = clientOf(`http://127.0.0.1:${other.port}/v1`, 'bob');
  });

  const say = async (metadata: Record<string, string> = {}) =>
    bob.responses.create({ model: 'gpt-4o', input: 'Mine', metadata });
  /** Where a client asks another proxy, it may be sooner there than the record: the database has it then. */
  const shipped = () =>
    until(async () => {
      const metrics = await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`);
      return /^chaperone_spool_depth\{[^}]*\} 0$/m.test(await metrics.text());
    }, 'the records to be in the database');
  const refer = (client: OpenAI, ...items: object[]) =>
    client.post<OpenAI.Responses.Response>('/responses', {
      body: { model: 'gpt-4o', input: [...items, { role: 'user', content: 'And then?' }] },
    });

  it('can be referred to by their maker, at this proxy and at another', async () => {
    const { output } = await say({ sandbox: 'reasoning=5' });
    assert.equal(output.length, 2);
    await shipped();
    for (const client of [bob, elsewhere]) {
      for (const { id } of output) {
        const answer = await refer(client, { type: 'item_reference', id });
        assert.equal(answer.status, 'completed');
        assert.equal((await refer(client, { id })).status, 'completed');
      }
    }
  });

  it('can be referred to if they were streamed, or made in the background', async () => {
    const ids: string[] = [];
    const stream = await bob.responses.create({ model: 'gpt-4o', input: 'Mine', stream: true });
    for await (const event of stream) {
      if (event.type === 'response.completed') ids.push(event.response.output[0]?.id ?? '');
    }
    const { id } = await bob.responses.create({ model: 'gpt-4o', input: 'Mine', background: true });
    for (let response = await bob.responses.retrieve(id); ; response = await bob.responses.retrieve(id)) {
      if (response.status !== 'completed') continue;
      ids.push(response.output[0]?.id ?? '');
      break;
    }
    await shipped();
    for (const item of ids) {
      for (const client of [bob, elsewhere]) assert.equal((await refer(client, { id: item })).status, 'completed');
    }
  });

  it('do not exist for another user, at any proxy', async () => {
    const [item] = (await say()).output;
    for (const { baseURL } of [bob, elsewhere]) {
      const error = await refer(clientOf(baseURL, 'mallory'), { type: 'item_reference', id: item?.id }).catch(
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof OpenAI.NotFoundError, String(error));
      assert.equal(error.code, 'resource_not_found');
    }
  });

  it('can be sent back whole, as in a conversation that a client keeps itself', async () => {
    const { output } = await say({ sandbox: 'reasoning=5' });
    await shipped();
    for (const client of [bob, elsewhere]) {
      const input = [{ role: 'user', content: 'Mine' }, ...output, { role: 'user', content: 'And then?' }];
      const answer = await client.post<OpenAI.Responses.Response>('/responses', { body: { model: 'gpt-4o', input } });
      assert.match(JSON.stringify(answer.output), /before that: Mine/);
    }
  });

  it('that are self-contained may have any id', async () => {
    const mallory = clientOf(stack.baseUrl, 'mallory');
    const items = [
      [
        {
          type: 'message',
          id: 'msg_from_elsewhere',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Hi' }],
        },
      ],
      [{ type: 'reasoning', id: 'rs_from_elsewhere', summary: [], encrypted_content: 'c2VhbGVk' }],
      [
        { type: 'function_call', id: 'fc_from_elsewhere', call_id: 'call_1', name: 'look', arguments: '{}' },
        { type: 'function_call_output', id: 'fco_from_elsewhere', call_id: 'call_1', output: 'Seen' },
      ],
    ];
    for (const given of items) assert.equal((await refer(mallory, ...given)).status, 'completed');
  });
});
