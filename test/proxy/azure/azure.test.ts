import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { Client } from 'pg';
import { startSandbox } from '../../../sandbox/server.ts';
import { makeDirectory } from '../../directories.ts';
import { atEnd, suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type Routed, startRouted } from '../routing/providers.ts';

const messages = [{ role: 'user' as const, content: 'Hello' }];
const said = '[sandbox gpt-4o] Instructions: none. You said: Hello';

interface Sent {
  readonly endpoint: string;
  readonly model: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Azure, as the sandbox stands in for it, by OpenAI's own SDK: two versions of its API, keys and tokens. */
describe('a provider of type azure', () => {
  const scope = suiteScope();
  let routed: Routed<'v1' | 'dated' | 'token' | 'file' | 'spare'>;
  let openai: OpenAI;
  let database: Client;
  let origin: string;
  let tokenFile: string;

  before(async () => {
    const sandbox = await startSandbox();
    atEnd(scope, sandbox.close);
    origin = sandbox.url.replace(/\/v1$/, '');
    tokenFile = join(await makeDirectory(scope), 'token');
    const azure = { type: 'azure', baseUrl: origin };
    routed = await startRouted(scope, {
      providers: {
        v1: { ...azure, baseUrl: `${origin}/openai/v1/`, models: [{ name: 'gpt-4o', as: 'prod-gpt-4o' }] },
        dated: {
          ...azure,
          apiVersion: '2024-10-21',
          models: [
            { name: 'gpt-4.1', as: 'old-gpt-4.1' },
            { name: 'text-embedding-3-small' },
            { name: 'gpt-image-1' },
            { name: 'tts-1' },
            { name: 'whisper-1', as: 'ears-whisper-1' },
            { name: 'away' },
          ],
        },
        token: { ...azure, entra: {}, models: [{ name: 'gpt-5', as: 'new-gpt-5' }] },
        file: { ...azure, entra: { tokenFile }, models: [{ name: 'gpt-5.1' }], circuitBreaker: { failures: 1000 } },
        spare: {
          type: 'openai',
          baseUrl: sandbox.url,
          priority: 1,
          models: [{ name: 'gpt-5.1' }, { name: 'away', as: 'gpt-4o' }],
        },
      },
      bindings: {
        v1: { provider: 'v1', key: 'azure-key-v1-secret' },
        dated: { provider: 'dated', key: 'azure-key-dated-secret' },
        token: { provider: 'token', key: 'entra.token.of-a-secret' },
        file: { provider: 'file', key: 'not-sent-to-anybody' },
        spare: { provider: 'spare', key: 'sk-spare' },
      },
    });
    openai = routed.client;
    database = new Client({ connectionString: routed.database.url });
    await database.connect();
    atEnd(scope, () => database.end());
  });

  const calls = async (path = '') => JSON.parse(await (await fetch(`${origin}/sandbox/calls${path}`)).text());
  /** What the sandbox got last. */
  const sent = async (): Promise<Sent> => {
    const { calls: all } = await calls();
    const { endpoint, model, headers } = await calls(`/${all.at(-1).id}`);
    const named = headers.map(([name, value]: [string, string]) => [name.toLowerCase(), value]);
    return { endpoint, model, headers: Object.fromEntries(named) };
  };
  const row = (requestId: string | null | undefined) =>
    until(async () => {
      const { rows } = await database.query(
        `select provider, requested_model, model, response_id, cost_usd::text, total_tokens::int, status
         from chaperone.requests where request_id = $1`,
        [requestId],
      );
      return rows[0];
    }, `the record of ${requestId}`);

  it('is asked by its key, for a deployment, and priced by the model that it answers with', async () => {
    const completion = await openai.chat.completions.create({ model: 'gpt-4o', messages });
    assert.equal(completion.choices[0]?.message.content, said);
    const { model, headers } = await sent();
    assert.deepEqual(
      [model, headers['api-key'], headers.authorization],
      ['prod-gpt-4o', 'azure-key-v1-secret', undefined],
    );
    const { cost_usd, ...rest } = await row(completion._request_id);
    assert.deepEqual(rest, {
      ...{ provider: 'v1', requested_model: 'gpt-4o', model: 'gpt-4o-2024-08-06', status: 'completed' },
      ...{ response_id: completion.id, total_tokens: completion.usage?.total_tokens },
    });
    assert.ok(Number(cost_usd) > 0);
  });

  it('streams, and what its filters say first is neither an answer nor its id', async () => {
    for (const model of ['gpt-4o', 'gpt-4.1']) {
      const { data: stream, response } = await openai.chat.completions
        .create({ model, messages, stream: true })
        .withResponse();
      let text = '';
      let id = '';
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? '';
        id = chunk.id || id;
      }
      assert.match(text, /You said: Hello$/);
      const { response_id, total_tokens, cost_usd } = await row(response.headers.get('x-request-id'));
      assert.equal(response_id, id);
      assert.ok(total_tokens > 0 && Number(cost_usd) > 0);
    }
  });

  it('has every operation where its version has it', async () => {
    await openai.chat.completions.create({ model: 'gpt-4.1', messages });
    assert.equal((await sent()).model, 'old-gpt-4.1');
    const { data } = await openai.embeddings.create({ model: 'text-embedding-3-small', input: 'Hello' });
    assert.equal(data.length, 1);
    await openai.images.generate({ model: 'gpt-image-1', prompt: 'A hat' });
    await openai.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Hello' });
    const file = await toFile(Buffer.alloc(16_000), 'a.wav');
    await openai.audio.transcriptions.create({ model: 'whisper-1', file });
    const { endpoint, model } = await sent();
    assert.deepEqual([endpoint, model], ['/v1/audio/transcriptions', 'ears-whisper-1']);
    const answer = await openai.responses.create({ model: 'gpt-4.1', input: 'Hello' });
    assert.match(answer.output_text, /You said: Hello$/);
  });

  it('keeps responses, and follow-ups go where they are', async () => {
    const first = await openai.responses.create({ model: 'gpt-4o', input: 'Hello' });
    const second = await openai.responses.create({ model: 'gpt-4o', input: 'And?', previous_response_id: first.id });
    assert.match(second.output_text, /before that: Hello/);
    assert.equal((await openai.responses.retrieve(first.id)).id, first.id);
    await openai.responses.delete(first.id);
    const file = await openai.files.create({ file: await toFile(Buffer.from('{}'), 'a.jsonl'), purpose: 'batch' });
    assert.equal((await openai.files.retrieve(file.id)).id, file.id);
  });

  it('is refused what it does not offer', async () => {
    await assert.rejects(openai.moderations.create({ model: 'gpt-4o', input: 'Hello' }), {
      status: 400,
      message: /the provider v1 does not offer this API/,
    });
  });

  it('lists the models that the Organization names, since Azure lists what could be deployed', async () => {
    const ids = (await openai.models.list()).data.map(({ id }) => id);
    for (const id of ['gpt-4o', 'gpt-4.1', 'gpt-5', 'whisper-1']) assert.ok(ids.includes(id), id);
    for (const id of ['prod-gpt-4o', 'o3']) assert.ok(!ids.includes(id), id);
    assert.equal((await openai.models.retrieve('gpt-4o')).owned_by, 'v1');
  });

  it('shows its errors as they are, without the key', async () => {
    const body = { model: 'gpt-4o', messages, user: 'sandbox:status=429' };
    await assert.rejects(openai.chat.completions.create(body), { status: 429, code: '429' });
    assert.doesNotMatch(routed.log(), /azure-key|entra\.token/);
  });

  it('gives way to another provider where it has no such deployment', async () => {
    const { data, response } = await openai.chat.completions.create({ model: 'away', messages }).withResponse();
    assert.equal(data.choices[0]?.message.content, said);
    assert.equal(response.headers.get('x-chaperone-failed-attempts'), 'dated key_refused 404 DeploymentNotFound');
    assert.equal((await sent()).headers.authorization, 'Bearer sk-spare');
  });

  it('is asked with an Entra token that a binding names', async () => {
    await openai.chat.completions.create({ model: 'gpt-5', messages });
    const { headers } = await sent();
    assert.deepEqual([headers.authorization, headers['api-key']], ['Bearer entra.token.of-a-secret', undefined]);
  });

  it('is asked with the token that a file has, and passed over while it has none', async () => {
    const ask = () => openai.chat.completions.create({ model: 'gpt-5.1', messages }).withResponse();
    const { response } = await ask();
    assert.equal(response.headers.get('x-chaperone-failed-attempts'), 'file unreachable no_credential');
    await writeFile(tokenFile, 'token-from-a-file');
    await until(
      async () => (await ask()).response.headers.get('x-chaperone-provider') === 'file',
      'the token to be read',
    );
    assert.equal((await sent()).headers.authorization, 'Bearer token-from-a-file');
    await writeFile(tokenFile, 'renewed-token');
    await until(async () => {
      await ask();
      return (await sent()).headers.authorization === 'Bearer renewed-token';
    }, 'the renewed token to be used');
    await rm(tokenFile);
    const alone = [
      { name: 'file', type: 'azure', baseUrl: origin, entra: { tokenFile }, models: [{ name: 'gpt-5.1' }] },
    ];
    await routed.edit({ providers: alone });
    await until(async () => {
      const answered = await ask().catch((error: unknown) => error);
      return answered instanceof OpenAI.APIError && answered.status === 502 ? answered.message : undefined;
    }, 'a call without a token to be refused').then((message) =>
      assert.match(message, /entra\.tokenFile is .*token, and it cannot be read \(ENOENT\)/),
    );
    assert.doesNotMatch(routed.log(), /token-from-a-file|renewed-token/);
  });
});
