import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { startVendors, type Vendors } from './vendors.ts';

const model = 'claude-sonnet-4-6';
const hello: Anthropic.MessageCreateParamsNonStreaming = {
  model,
  max_tokens: 1_000,
  system: 'Be brief',
  messages: [{ role: 'user', content: 'Hello' }],
};
const asking = (directives: string) => ({ metadata: { user_id: `sandbox:${directives}` } });
const id = (message: { _request_id?: string | null | undefined }) => message._request_id;

/** Anthropic's SDK, an Anthropic provider, and Chaperone between them. */
describe('messages', () => {
  const scope = suiteScope();
  let vendors: Vendors;
  before(async () => {
    vendors = await startVendors(scope);
  });

  /** Expects a refusal in Anthropic's envelope. */
  const refused = async (call: Promise<unknown>, status: number, type: string, code: string, message: RegExp) => {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof Anthropic.APIError);
      assert.deepEqual([error.status, error.type, error.errorCode], [status, type, code]);
      assert.match(error.apiMessage ?? '', message);
      assert.match(error.requestID ?? '', /^req_/);
      return true;
    });
  };

  it('are answered as Anthropic answers, recorded and priced with the tokens of its cache', async () => {
    const asked = { ...hello, ...asking('cached=1000,written=200,written-1h=100') };
    const message = await vendors.anthropic.messages.create(asked);
    assert.match(JSON.stringify(message.content), /Instructions: Be brief. You said: Hello/);
    const row = await vendors.row(id(message));
    const { operation, provider, status, response_id } = row;
    assert.deepEqual([operation, provider, status], ['messages', 'anthropic', 'completed']);
    assert.deepEqual([response_id, row.model], [message.id, model]);
    const { input_tokens: uncached, output_tokens: output } = message.usage;
    assert.deepEqual([row.input_tokens, row.output_tokens], [uncached + 1_300, output]);
    assert.deepEqual([row.cached_input_tokens, row.cache_write_tokens], [1_000, 300]);
    // Dollars per million: 3 input, 0.30 read, 3.75 and 6 written, 15 output.
    const dollars = (uncached * 3 + 1_000 * 0.3 + 200 * 3.75 + 100 * 6 + output * 15) / 1_000_000;
    assert.equal(Number(row.cost_usd), Number(dollars.toFixed(12)));
  });

  it('stream event by event, with the same record', async () => {
    const stream = vendors.anthropic.messages.stream({ ...hello, ...asking('cached=10,written-1h=5') });
    const types = new Set<string>();
    for await (const { type } of stream) types.add(type);
    const message = await stream.finalMessage();
    assert.deepEqual(
      [...types],
      [
        'message_start',
        'content_block_start',
        'content_block_delta',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ],
    );
    const { response } = await stream.withResponse();
    const row = await vendors.row(response.headers.get('request-id'));
    assert.deepEqual([row.status, row.response_id], ['completed', message.id]);
    const { input_tokens, output_tokens, total_tokens } = row;
    assert.deepEqual([input_tokens, output_tokens], [message.usage.input_tokens + 15, message.usage.output_tokens]);
    assert.equal(total_tokens, (input_tokens ?? 0) + (output_tokens ?? 0));
    assert.notEqual(row.cost_usd, null);
  });

  it('carry the key of the provider, and the version and betas of the client', async () => {
    await vendors.anthropic.messages.create(hello, { headers: { 'anthropic-beta': 'a-1,b-2', 'x-api-key': null } });
    const { headers, body } = await vendors.sent();
    assert.deepEqual([headers['x-api-key'], headers.authorization], ['sk-ant-secret-1234', undefined]);
    assert.deepEqual([headers['anthropic-version'], headers['anthropic-beta']], ['2026-10-21', 'a-1,b-2']);
    assert.deepEqual(body, hello);
    const versionless = await fetch(`${vendors.baseUrl}/messages`, {
      method: 'POST',
      headers: { 'x-api-key': vendors.token, 'x-user-id': 'bob' },
      body: JSON.stringify({ ...hello, temperature: 0.5 }),
    });
    assert.equal(versionless.status, 200, await versionless.text());
    assert.equal((await vendors.sent()).headers['anthropic-version'], '2023-06-01');
  });

  it('take a persona as the system text', async () => {
    const { personas } = (await vendors.anthropic.get('/v1/personas')) as { personas: { id: string }[] };
    const [persona = assert.fail()] = personas;
    const message = await vendors.anthropic.messages.create({ ...hello, persona_id: persona.id } as typeof hello);
    const { body } = await vendors.sent();
    assert.ok(typeof body.system === 'string' && body.system !== 'Be brief' && !('persona_id' in body));
    assert.ok(JSON.stringify(message.content).includes(String(body.system).slice(0, 20)));
  });

  it('use tools, whose inputs name nothing of the provider', async () => {
    const input = { file_id: 'file-1', Model: 'x', previous_response_id: 'resp_1' };
    const message = await vendors.anthropic.messages.create({
      ...hello,
      tools: [{ name: 'look', input_schema: { type: 'object' } }],
      messages: [
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'look', input }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'nothing' }] },
      ],
    });
    assert.match(JSON.stringify(message.content), /look answered: nothing/);
  });

  it('are refused in Anthropic’s envelope', async () => {
    const { messages } = vendors.anthropic;
    const { max_tokens: _, ...unbounded } = hello;
    const file = { type: 'file' as const, file_id: 'file_of_another' };
    const content: Anthropic.ContentBlockParam[] = [{ type: 'document', source: file }];
    const stranger = vendors.anthropic.withOptions({ apiKey: 'chp_unknown' }).messages.create(hello);
    await refused(stranger, 401, 'authentication_error', 'invalid_credentials', /Invalid authentication/);
    const unread = messages.create(unbounded as typeof hello);
    await refused(unread, 400, 'invalid_request_error', 'invalid_request', /max_tokens is required/);
    const another = messages.create({ ...hello, messages: [{ role: 'user', content }] });
    await refused(another, 404, 'not_found_error', 'resource_not_found', /file_of_another/);
    const later = messages.create(hello, { headers: { 'anthropic-version': '2027-01-01' } });
    await refused(later, 400, 'invalid_request_error', 'invalid_header', /must be 2023-06-01 or 2026-10-21/);
    const threaded = { ...hello, thread: { type: 'continue', previous_message_id: 'msg_of_another' } };
    const followed = messages.create(threaded as typeof hello);
    await refused(followed, 404, 'not_found_error', 'resource_not_found', /msg_of_another/);
    const elsewhere = await fetch(`${vendors.baseUrl}/messages/batches`, {
      headers: { 'x-api-key': vendors.token, 'x-user-id': 'bob' },
    });
    assert.deepEqual([elsewhere.status, JSON.parse(await elsewhere.text()).type], [404, 'error']);
  });

  it('are not all of Anthropic’s API: the rest is refused in its envelope, and never answered by OpenAI’s', async () => {
    const { anthropic } = vendors;
    await vendors.openai.files.list();
    const files = anthropic.files.list().then(() => assert.fail('the files of another vendor'));
    await refused(files, 404, 'not_found_error', 'route_not_found', /Unknown request URL: GET \/v1\/files/);
    const legacy = anthropic.post('/v1/complete', { body: { model, prompt: 'Hello' } });
    await refused(legacy, 404, 'not_found_error', 'route_not_found', /POST \/v1\/complete/);
    const batches = anthropic.messages.batches.list().then(() => assert.fail('batches'));
    await refused(batches, 404, 'not_found_error', 'route_not_found', /GET \/v1\/messages\/batches/);
  });

  it('name models that Anthropic’s SDK lists and reads, of every vendor', async () => {
    const { models } = vendors.anthropic;
    const ids: string[] = [];
    for await (const listed of models.list({ limit: 3 })) ids.push(listed.id);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.includes(model) && ids.includes('gpt-4o'));
    const page = await models.list({ limit: 2 });
    assert.deepEqual([page.data.length, page.has_more, page.last_id], [2, true, ids[1]]);
    const before = await models.list({ limit: 2, before_id: ids[3] ?? '' });
    assert.deepEqual(
      before.data.map(({ id }) => id),
      ids.slice(1, 3),
    );
    assert.deepEqual((await models.list({ lifecycle: ['retired'] })).data, []);
    assert.equal((await models.list({ lifecycle: ['active', 'deprecated'], limit: 1000 })).data.length, ids.length);
    const { type, id, display_name, created_at, lifecycle } = await models.retrieve(model);
    assert.deepEqual([type, id, lifecycle], ['model', model, 'active']);
    assert.ok(display_name.length > 0 && !Number.isNaN(Date.parse(created_at)));
    const other = await models.retrieve('gpt-4o');
    assert.deepEqual([other.type, other.display_name, other.max_tokens], ['model', 'gpt-4o', null]);
  });

  it('and their models are refused in Anthropic’s envelope', async () => {
    const { models } = vendors.anthropic;
    await refused(models.retrieve('claude-0'), 404, 'not_found_error', 'model_not_found', /'claude-0' does not exist/);
    const tooMany = models.list({ limit: 5_000 }).then(() => assert.fail('a page'));
    await refused(tooMany, 400, 'invalid_request_error', 'invalid_request', /limit must be from 1 to 1000/);
    const stranger = vendors.anthropic.withOptions({ apiKey: 'chp_unknown' }).models.retrieve(model);
    await refused(stranger, 401, 'authentication_error', 'invalid_credentials', /Invalid authentication/);
    const later = models.retrieve(model, {}, { headers: { 'anthropic-version': '2027-01-01' } });
    await refused(later, 400, 'invalid_request_error', 'invalid_header', /must be 2023-06-01 or 2026-10-21/);
  });

  it('pass the provider’s own errors, and record them', async () => {
    const failing = vendors.anthropic.messages.create({ ...hello, ...asking('status=529') });
    const error: unknown = await failing.catch((caught: unknown) => caught);
    assert.ok(error instanceof Anthropic.APIError);
    assert.deepEqual([error.status, error.type], [529, 'overloaded_error']);
    const row = await vendors.row(error.requestID);
    assert.deepEqual([row.status, row.error_code, row.cost_usd], ['failed', 'overloaded_error', null]);
    const broken = await vendors.anthropic.messages
      .stream({ ...hello, ...asking('error-in-stream') })
      .finalMessage()
      .catch((caught: unknown) => caught);
    assert.ok(broken instanceof Anthropic.APIError && broken.type === 'api_error');
    const inStream = await vendors.row(broken.requestID);
    assert.deepEqual([inStream.status, inStream.error_code], ['failed', 'api_error']);
  });

  it('are cut where the provider cuts them', async () => {
    const cut = await vendors.anthropic.messages
      .stream({ ...hello, ...asking('cut') })
      .finalMessage()
      .catch((caught: unknown) => caught);
    assert.ok(cut instanceof Error);
  });

  it('have their tokens counted, under the same rules', async () => {
    const { input_tokens } = await vendors.anthropic.messages.countTokens({ model, messages: hello.messages });
    assert.equal(input_tokens, 2);
    const counted = vendors.anthropic.messages.countTokens({ model: 'gpt-4o', messages: hello.messages });
    await refused(counted, 400, 'invalid_request_error', 'invalid_request', /openai does not count the tokens/);
  });

  it('obey the Organization: its surfaces and its models', async () => {
    const call = () =>
      vendors.anthropic.messages.create(hello).then(
        () => 'served',
        (error: unknown) => (error instanceof Anthropic.APIError ? error.errorCode : error),
      );
    await vendors.edit({ surfaces: ['chat'] });
    await until(async () => (await call()) === 'surface_not_allowed', 'the surface to be refused');
    await vendors.edit({ surfaces: ['messages'], models: { allow: ['claude-haiku-*'] } });
    await until(async () => (await call()) === 'model_not_allowed', 'the model to be refused');
    await vendors.edit({ surfaces: undefined, models: { allow: [model] } });
    await until(async () => (await call()) === 'served', 'the model to be served');
    const fallbacks = { ...hello, fallbacks: [{ model: 'claude-opus-4-1' }] };
    const other = vendors.anthropic.messages.create(fallbacks as typeof hello);
    await refused(other, 403, 'permission_error', 'model_not_allowed', /claude-opus-4-1/);
    await vendors.edit({ models: undefined });
    await until(async () => (await call()) === 'served');
  });
});
