import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { Client } from 'pg';
import { identifiedFields, referringFields } from '../../../crds/call-fields.ts';
import { operations } from '../../../proxy/surfaces/openai/operations.ts';
import { resourceRoutes } from '../../../proxy/surfaces/openai/resources/routes.ts';
import { type CountedSandbox, startCountedSandbox } from '../../counted-sandbox.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

import { type Ask, makeAsk } from '../surfaces/governance/ask.ts';

/** A body is judged as every provider may read it, once, with what a persona adds to it: by each way in. */
describe('a body that could be read in two ways is refused', () => {
  const scope = suiteScope();
  let sandbox: CountedSandbox;
  let stack: Stack;
  let ask: Ask;
  let mallory: OpenAI;
  /** What bob made, by its kind. */
  const ids: Record<string, string> = {};
  const own: Record<string, string> = {};

  const clientOf = (user: string) =>
    new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, defaultHeaders: { 'X-User-ID': user }, maxRetries: 0 });
  const asMallory = { 'x-user-id': 'mallory' };

  before(async () => {
    sandbox = await startCountedSandbox(scope);
    stack = await startStack(scope, { upstreamUrl: sandbox.url });
    ask = makeAsk(stack);
    mallory = clientOf('mallory');
    const bob = clientOf('bob');
    const response = await bob.responses.create({ model: 'gpt-4o', input: 'Mine' });
    ids.response = response.id;
    ids.item = response.output[0]?.id ?? '';
    ids.conversation = (await bob.conversations.create()).id;
    ids.file = (await bob.files.create({ file: await toFile(Buffer.from('Mine'), 'a.txt'), purpose: 'user_data' })).id;
    ids.vector_store = (await bob.vectorStores.create({ name: 'bob’s' })).id;
    ids.container = 'cntr_1';
    own.conversation = (await mallory.conversations.create()).id;
    own.vector_store = (await mallory.vectorStores.create({ name: 'mallory’s' })).id;
  });

  /** Asserts that nothing of what is done reaches the provider, but to read a file. */
  const forwardsNothing = async (attempt: () => Promise<void>) => {
    const before = sandbox.requests.length;
    await attempt();
    const made = sandbox.requests.slice(before).filter(({ line }) => !/^POST \/v1\/files|^GET .*\/content$/.test(line));
    assert.deepEqual(made, [], 'it was forwarded');
  };

  /** A body with all that its operation needs. */
  const whole = { model: 'gpt-4o', input: 'Hi', messages: [{ role: 'user', content: 'Hi' }], prompt: 'A cat' };
  const calls = operations.filter(({ name }) => name !== 'batches').map(({ path }) => path);
  const relayed = () =>
    resourceRoutes
      .filter(({ method, kind }) => method === 'POST' && (kind === 'conversation' || kind === 'vector_store'))
      .map(({ path, kind }) => path.replace(':id', own[kind] ?? '').replace(/:\w+/, 'x'))
      .filter((path) => !path.endsWith('/cancel'));
  const ways = () => [...calls, '/responses/input_tokens', ...relayed()];

  const upload = async (lines: string) =>
    mallory.files.create({ file: await toFile(Buffer.from(lines), 'lines.jsonl'), purpose: 'batch' });
  const batch = async (line: string) =>
    ask(
      'POST',
      '/batches',
      { input_file_id: (await upload(line)).id, endpoint: '/v1/responses', completion_window: '24h' },
      asMallory,
    );
  const lineOf = (body: string) => `{"custom_id":"a","method":"POST","url":"/v1/responses","body":${body}}\n`;

  const named: readonly (readonly [field: string, kind: string, inObject: boolean])[] = [
    ...Object.entries(referringFields).map(([field, kind]) => [field, kind, false] as const),
    ...Object.entries(identifiedFields).map(([field, kind]) => [field, kind, true] as const),
  ];
  for (const [field, kind, inObject] of named) {
    it(`another user’s ${kind} cannot be named by ${inObject ? `the id of ${field}` : field}, on any way in`, () =>
      forwardsNothing(async () => {
        const id = ids[kind];
        const value = inObject ? { id } : id;
        const body = { ...whole, deep: [{ in: { it: { [field]: value } } }] };
        // At once: each waits for a record that may still be on its way.
        const refuse = async (path: string) => {
          const { status, body: answer } = await ask('POST', path, body, asMallory);
          const isCall = !relayed().includes(path);
          const code =
            field === 'previous_response_id' && isCall ? 'previous_response_not_found' : 'resource_not_found';
          assert.equal(answer.error?.code, code, `${path}: ${status} ${JSON.stringify(answer)}`);
        };
        await Promise.all(ways().map(refuse));
        const inLine = await batch(lineOf(JSON.stringify(body)));
        assert.equal(inLine.body.error?.code, 'resource_not_found');
        for (const { path } of operations.filter(({ takesForm }) => takesForm)) {
          const form = new FormData();
          form.set(inObject ? `deep[${field}][id]` : `deep[${field}]`, id ?? '');
          form.set('model', 'gpt-4o');
          const answer = await fetch(`${stack.baseUrl}${path}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${stack.token}`, ...asMallory },
            body: form,
          });
          assert.equal(answer.status, 400, path);
        }
      }));

    it(`another spelling of ${field} is refused on every way in`, () =>
      forwardsNothing(async () => {
        for (const spelling of [
          field.toUpperCase(),
          field.replace(/(^|_)(.)/g, (_, __, letter) => letter.toUpperCase()),
        ]) {
          const body = { ...whole, deep: [{ in: { [spelling]: inObject ? { id: ids[kind] } : [ids[kind]] } }] };
          for (const path of ways()) {
            const { status, body: answer } = await ask('POST', path, body, asMallory);
            assert.deepEqual([status, answer.error?.param], [400, spelling], path);
            assert.equal(answer.error.message, `Error processing request: ${spelling} must be written ${field}`);
          }
          const inLine = await batch(lineOf(JSON.stringify(body)));
          assert.deepEqual([inLine.status, inLine.body.error.param], [400, 'input_file_id']);
          assert.match(inLine.body.error.message, new RegExp(`${spelling} must be written ${field}$`));
        }
      }));
  }

  const doubled = (): readonly (readonly [text: string, field: string])[] => [
    [`{"model":"gpt-4o","input":[{"type":"item_reference","id":"${ids.item}"}],"input":"hi"}`, 'input'],
    [
      `{"model":"gpt-4o","input":[{"id":"${ids.item}","type":"item_reference","type":"message","content":"x"}]}`,
      'type',
    ],
    [`{"model":"gpt-4o","input":"x","messages":[{"content":[{"file_id":"${ids.file}"}],"content":"x"}]}`, 'content'],
    ['{"model":"o1","model":"gpt-4o","input":"hi"}', 'model'],
    ['{"mod\\u0065l":"o1","model":"gpt-4o","input":"hi"}', 'model'],
  ];
  it('a repeated field is refused on every way in', () =>
    forwardsNothing(async () => {
      for (const [text, field] of doubled()) {
        for (const path of ways()) {
          const { status, body } = await ask('POST', path, text, asMallory);
          assert.deepEqual([status, body.error?.code, body.error?.param], [400, 'invalid_request', field], path);
          assert.equal(body.error.message, `Error processing request: ${field} must stand only once in an object`);
        }
        const inLine = await batch(lineOf(text));
        assert.match(
          inLine.body.error?.message ?? '',
          new RegExp(
            `^Error processing request: line 1 .*: ${field} must (stand only once|be written without escapes)`,
          ),
        );
      }
    }));

  it('a tool cannot name a model that is not allowed, on any way in', () =>
    forwardsNothing(async () => {
      const body = { ...whole, tools: [{ type: 'image_generation', model: 'o1' }] };
      for (const path of [...calls, '/responses/input_tokens']) {
        const answer = await ask('POST', path, body, asMallory);
        assert.equal(answer.body.error?.code, 'model_not_allowed', path);
      }
      assert.equal((await batch(lineOf(JSON.stringify(body)))).body.error?.code, 'model_not_allowed');
    }));

  it('an id that an answer only echoes does not become the caller’s own', async () => {
    const item = { type: 'message', role: 'user', content: 'x', id: ids.item };
    const escaped = JSON.stringify({ model: 'gpt-4o', input: [item] }).replace('"msg_', '"\\u006dsg_');
    for (const body of [{ model: 'gpt-4o', input: [item] }, escaped]) {
      const compacted = await ask('POST', '/responses/compact', body, asMallory);
      assert.equal(compacted.status, 200);
      assert.ok(compacted.body.output.some(({ id }: { id: string }) => id === ids.item));
      const mine = compacted.body.output.at(-1).id;
      const refer = (id: string) =>
        ask('POST', '/responses', { model: 'gpt-4o', input: [{ type: 'item_reference', id }] }, asMallory);
      assert.equal((await refer(ids.item ?? '')).body.error?.code, 'resource_not_found');
      // What the provider made is.
      assert.notEqual((await refer(mine)).body.error?.code, 'resource_not_found');
    }
  });

  describe('with a persona', () => {
    const create = (parameters: object, name = 'Odd') =>
      ask('POST', '/personas', { name, content: 'Be kind.', parameters });

    it('the API refuses parameters that govern the call or refer to resources, by name', async () => {
      for (const parameters of [
        { background: true },
        { stream_options: {} },
        { prompt: { id: 'pmpt_1' } },
        { previous_response_id: ids.response },
        { conversation: ids.conversation },
        { tools: [{ type: 'image_generation', model: 'o1' }] },
        { tools: [{ type: 'file_search', vector_store_ids: [ids.vector_store] }] },
        { Background: true },
      ]) {
        const [name] = Object.keys(parameters);
        const { status, body } = await create(parameters);
        assert.deepEqual([status, body.error?.code, body.error?.param], [400, 'invalid_request', `parameters.${name}`]);
      }
      const made = await create({ temperature: 0, metadata: { model: 'x' } }, 'Fine');
      assert.equal(made.status, 201);
      const changed = await ask('PATCH', `/personas/${made.body.id}`, { parameters: { background: true } });
      assert.deepEqual([changed.status, changed.body.error.param], [400, 'parameters.background']);
    });

    it('such fields that an earlier version stored have no effect, and calls continue', async () => {
      const { body: persona } = await create({ temperature: 0.5 }, 'Stored before');
      const parameters = {
        temperature: 0.25,
        background: true,
        previous_response_id: ids.response,
        tools: [{ type: 'image_generation', model: 'o1' }],
      };
      const database = new Client({ connectionString: stack.database.url });
      await database.connect();
      await database.query('update chaperone.personas set parameters = $1 where persona_id = $2', [
        JSON.stringify(parameters),
        persona.id,
      ]);
      await database.end();
      await until(async () => {
        const { body } = await ask('GET', `/personas/${persona.id}`);
        return body.parameters.temperature === 0.25;
      }, 'the change to be in force');
      const answer = await ask(
        'POST',
        '/responses',
        { model: 'gpt-4o', input: 'Hi', persona_id: persona.id },
        asMallory,
      );
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      const { background, previous_response_id, tools, status, temperature, instructions } = answer.body;
      assert.deepEqual(
        [background ?? false, previous_response_id ?? null, tools ?? [], status, temperature, instructions],
        [false, null, [], 'completed', 0.25, 'Be kind.'],
      );
    });
  });
});
