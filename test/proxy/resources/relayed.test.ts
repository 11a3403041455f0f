import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import type { Client } from 'pg';
import type { ProxyProcess } from '../../../cli/local/proxies.ts';
import { type CountedSandbox, startCountedSandbox } from '../../counted-sandbox.ts';
import { connect } from '../../database/tenant.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

/** What is kept at the provider, through a real proxy process, by the SDK's typed methods. */
describe('the relay of stored resources', () => {
  const scope = suiteScope();
  let sandbox: CountedSandbox;
  let stack: Stack<ProxyProcess>;
  let bob: OpenAI;
  let alice: OpenAI;
  let database: Client;

  before(async () => {
    sandbox = await startCountedSandbox(scope);
    stack = await startStack(scope, { upstreamUrl: sandbox.url, ownProcess: true });
    const clientOf = (user: string) =>
      new OpenAI({
        baseURL: stack.baseUrl,
        apiKey: stack.token,
        defaultHeaders: { 'X-User-ID': user },
        maxRetries: 0,
      });
    bob = clientOf('bob@example.com');
    // She has a key of her own.
    alice = clientOf('alice@example.com');
    database = await connect(scope, stack.database.url);
  });

  const textFile = (text: string, name = 'note.txt') => toFile(Buffer.from(text), name);
  const readText = async (response: Response) => response.text();
  const readMetrics = () => fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`).then(readText);

  it('retrieves, streams again, lists the input of, and deletes a response', async () => {
    const made = await bob.responses.create({ model: 'gpt-4o', input: 'Keep this' });
    assert.deepEqual(await bob.responses.retrieve(made.id), made);
    const all: number[] = [];
    for await (const event of await bob.responses.retrieve(made.id, { stream: true })) all.push(event.sequence_number);
    const later: number[] = [];
    const resumed = await bob.responses.retrieve(made.id, { stream: true, starting_after: 3 });
    for await (const event of resumed) later.push(event.sequence_number);
    assert.deepEqual(later, all.slice(4));
    const items = await bob.responses.inputItems.list(made.id);
    assert.equal(items.data.length, 1);
    await bob.responses.delete(made.id);
    // Now it is the provider that does not know it.
    await assert.rejects(bob.responses.retrieve(made.id), /Response with id 'resp_\w+' not found/);
  });

  it('counts the tokens of an input without a record, as the rules of calls allow', async () => {
    await until(
      async () => /^chaperone_spool_depth\{[^}]*\} 0$/m.test(await readMetrics()),
      'earlier records to be there',
    );
    const before = await countRecords();
    const { data, response } = await bob.responses.inputTokens
      .count({ model: 'gpt-4o', input: 'Eight by', instructions: 'four' })
      .withResponse();
    assert.equal(data.input_tokens, 3);
    assert.match(response.headers.get('x-request-id') ?? '', /^req_/);
    await assert.rejects(bob.responses.inputTokens.count({ model: 'o1', input: 'x' }), OpenAI.PermissionDeniedError);
    // One that is recorded, so that a record of the others would have been there before it.
    await bob.responses.create({ model: 'gpt-4o', input: 'Recorded' });
    await until(async () => (await countRecords()) > before, 'the record of the call');
    assert.equal(await countRecords(), before + 1);
  });

  it('keeps a conversation that calls continue', async () => {
    const conversation = await bob.conversations.create({ metadata: { topic: 'names' } });
    await bob.responses.create({ model: 'gpt-4o', input: 'I am Bob', conversation: conversation.id });
    const body = { model: 'gpt-4o', input: 'Who am I?', conversation: { id: conversation.id } };
    const answer = await bob.responses.create(body);
    assert.match(answer.output_text, /before that: I am Bob/);
    assert.equal(answer.conversation?.id, conversation.id);
    const [item] = (
      await bob.conversations.items.create(conversation.id, { items: [{ role: 'user', content: 'Bye' }] })
    ).data;
    const id = item?.id ?? '';
    assert.equal((await bob.conversations.items.retrieve(id, { conversation_id: conversation.id })).id, id);
    const items = await bob.conversations.items.list(conversation.id, { limit: 2 });
    assert.equal(items.data.length, 2);
    await bob.conversations.items.delete(id, { conversation_id: conversation.id });
    const updated = await bob.conversations.update(conversation.id, { metadata: { topic: 'greetings' } });
    assert.deepEqual(updated.metadata, { topic: 'greetings' });
    await bob.conversations.delete(conversation.id);
    await assert.rejects(bob.conversations.retrieve(conversation.id), (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'resource_not_found');
      return true;
    });
  });

  it('takes and gives files byte for byte', async () => {
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 256));
    const file = await bob.files.create({ file: await toFile(bytes, 'data.bin'), purpose: 'user_data' });
    assert.equal(file.bytes, bytes.length);
    assert.deepEqual(await bob.files.retrieve(file.id), file);
    const content = Buffer.from(await (await bob.files.content(file.id)).arrayBuffer());
    assert.ok(content.equals(bytes));
    assert.deepEqual(await bob.files.delete(file.id), { id: file.id, object: 'file', deleted: true });
    await assert.rejects(bob.files.retrieve(file.id), (error) => {
      return error instanceof OpenAI.NotFoundError && error.code === 'resource_not_found';
    });
  });

  it('keeps vector stores, searches them, and lets calls search', async () => {
    const file = await bob.files.create({ file: await textFile('The moon is made of cheese'), purpose: 'assistants' });
    const store = await bob.vectorStores.create({ name: 'facts' });
    await bob.vectorStores.files.create(store.id, { file_id: file.id });
    const other = await bob.files.create({ file: await textFile('Water is wet'), purpose: 'assistants' });
    const batch = await bob.vectorStores.fileBatches.create(store.id, { file_ids: [other.id] });
    assert.equal((await bob.vectorStores.fileBatches.retrieve(batch.id, { vector_store_id: store.id })).id, batch.id);
    assert.equal((await bob.vectorStores.retrieve(store.id)).file_counts.total, 2);
    const found = await bob.vectorStores.search(store.id, { query: 'moon cheese' });
    assert.deepEqual(
      found.data.map((hit) => hit.file_id),
      [file.id],
    );
    const tools = [{ type: 'file_search' as const, vector_store_ids: [store.id] }];
    const answer = await bob.responses.create({ model: 'gpt-4o', input: 'What is the moon made of?', tools });
    assert.equal(answer.status, 'completed');
    await bob.vectorStores.files.delete(file.id, { vector_store_id: store.id });
    assert.equal((await bob.vectorStores.update(store.id, { name: 'fewer facts' })).name, 'fewer facts');
    await bob.vectorStores.delete(store.id);
  });

  it('uses the key that made a resource, and refuses resources of several keys', async () => {
    const hers = await alice.files.create({ file: await textFile('Hers'), purpose: 'user_data' });
    assert.equal(sandbox.requests.at(-1)?.key, '-alice');
    const made = await alice.responses.create({
      model: 'gpt-4o',
      input: [{ role: 'user', content: [{ type: 'input_file', file_id: hers.id }] }],
    });
    assert.equal(made.status, 'completed');
    assert.equal((await alice.responses.retrieve(made.id)).id, made.id);
    assert.equal(sandbox.requests.at(-1)?.key, '-alice');
    // One that she made before she had a key of her own, as far as the proxy knows.
    await until(async () => {
      const { rowCount } = await database.query('select from chaperone.owned_resources where resource_id = $1', [
        hers.id,
      ]);
      return rowCount === 1;
    }, 'the file to be noted');
    await database.query(
      `insert into chaperone.owned_resources (organization_id, resource_id, kind, user_id, api_key_id, created_at)
       select organization_id, 'file-older', kind, user_id,
         (select api_key_id from chaperone.api_keys where user_external_id is null), created_at
       from chaperone.owned_resources where resource_id = $1`,
      [hers.id],
    );
    const error = await alice.vectorStores
      .create({ file_ids: [hers.id, 'file-older'] })
      .catch((reason: unknown) => reason);
    assert.ok(error instanceof OpenAI.BadRequestError, String(error));
    assert.equal(error.param, 'file_ids');
    assert.match(error.message, /another provider key/);
  });

  it('refuses a body with a repeated field', async () => {
    const mine = await bob.files.create({ file: await textFile('Mine'), purpose: 'user_data' });
    const body = `{"file_ids":["file-of-another"],"file_ids":["${mine.id}"]}`;
    const answer = await fetch(`${stack.baseUrl}/vector_stores`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob@example.com' },
      body,
    });
    const { error } = JSON.parse(await readText(answer));
    assert.deepEqual([answer.status, error.code, error.param], [400, 'invalid_request', 'file_ids']);
  });

  it('passes the errors of a provider unchanged, and counts what it relays', async () => {
    const conversation = await bob.conversations.create();
    const error = await bob.conversations.items
      .retrieve('msg_none', { conversation_id: conversation.id })
      .catch((reason: unknown) => reason);
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.match(error.message, /Item with id 'msg_none' not found/);
    assert.match(
      await readMetrics(),
      /chaperone_relayed_requests_total\{resource="conversation",method="GET",status="4xx",organization="acme"\} [1-9]/,
    );
  });

  it('knows the owners after a restart of a killed proxy', async () => {
    const file = await bob.files.create({ file: await textFile('Survives'), purpose: 'user_data' });
    const pid = stack.proxy.pid() ?? 0;
    process.kill(pid, 'SIGKILL');
    await until(() => stack.proxy.pid() !== pid, 'the proxy to be started again');
    const found = await until(
      () => bob.files.retrieve(file.id).catch((error: unknown) => error instanceof OpenAI.NotFoundError && error),
      'the proxy to serve again',
    );
    assert.ok('id' in found && found.id === file.id, String(found));
  });

  async function countRecords(): Promise<number> {
    const { rows } = await database.query<{ count: number }>('select count(*)::int as count from chaperone.requests');
    return rows[0]?.count ?? 0;
  }
});
