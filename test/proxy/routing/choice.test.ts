import assert from 'node:assert/strict';
import { before, beforeEach, describe, it } from 'node:test';
import { suiteScope } from '../../scope.ts';
import { type Answer, sendJson } from '../../scripted-provider.ts';
import { type Routed, startRouted } from './providers.ts';

/** Answers whatever is asked, and lists two models. */
const answer: Answer = (response, { path, body }) => {
  if (path.endsWith('/models')) {
    sendJson(response, { object: 'list', data: ['small-deployment', 'gpt-4o'].map((id) => ({ id, object: 'model' })) });
  } else if (path.endsWith('/embeddings')) sendJson(response, { object: 'list', model: body.model, data: [] });
  else if (path.endsWith('/responses'))
    sendJson(response, { id: 'resp_1', object: 'response', status: 'completed', output: [] });
  else if (path.endsWith('/transcriptions')) sendJson(response, { text: 'Hi' });
  else sendJson(response, { id: 'chatcmpl-1', object: 'chat.completion', model: body.model, choices: [] });
};

/** Which provider of an Organization serves a call, through the front door. */
describe('an Organization with several providers', () => {
  const scope = suiteScope();
  let routed: Routed<'first' | 'second' | 'heavy' | 'light'>;
  const served = () =>
    Object.entries(routed.counts())
      .filter(([, count]) => count > 0)
      .map(([name]) => name);
  const chat = (model: string) => routed.client.chat.completions.create({ model, messages: [] });

  before(async () => {
    routed = await startRouted(scope, {
      providers: {
        second: { priority: 2 },
        first: {
          priority: 1,
          models: [
            { name: 'gpt-4o' },
            { name: 'gpt-4o-mini', as: 'small-deployment' },
            { name: 'whisper-1', as: 'ears' },
          ],
        },
        heavy: { priority: 0, weight: 3, models: [{ name: 'shared-*' }] },
        light: { priority: 0, weight: 1, models: [{ name: 'shared-*' }] },
      },
    });
    for (const provider of Object.values(routed.providers)) provider.answer = answer;
  });
  beforeEach(() => routed.forget());

  it('asks the one with the lowest priority, if it serves the model', async () => {
    await chat('gpt-4o');
    assert.deepEqual(served(), ['first']);
  });

  it('asks the next one for a model that the first does not serve', async () => {
    await chat('o4-mini');
    assert.deepEqual(served(), ['second']);
  });

  it('shares calls in proportion to the weights', async () => {
    await Promise.all(Array.from({ length: 80 }, () => chat('shared-model')));
    const { heavy, light } = routed.counts();
    assert.equal(heavy + light, 80);
    assert.ok(heavy > light && light > 4, `${heavy} and ${light}`);
  });

  const renamed = 'gpt-4o-mini';
  const ways: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['a chat', () => chat(renamed)],
    [
      'a streamed chat',
      () => routed.client.chat.completions.create({ model: renamed, messages: [], stream: true }).catch(() => {}),
    ],
    ['a response', () => routed.client.responses.create({ model: renamed, input: 'Hi' })],
    ['an embedding', () => routed.client.embeddings.create({ model: renamed, input: 'Hi' })],
    [
      'a count of tokens',
      () => routed.client.post('/responses/input_tokens', { body: { model: renamed, input: 'Hi' } }),
    ],
  ];
  for (const [what, call] of ways) {
    it(`sends ${what} under the provider's own name of the model`, async () => {
      await call();
      assert.deepEqual(
        routed.providers.first.requests.map(({ body }) => body.model),
        ['small-deployment'],
      );
    });
  }

  it('keeps every number of a body that it renames', async () => {
    const body = '{"model":"gpt-4o-mini","messages":[],"seed":12345678901234567890}';
    await fetch(`${routed.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' },
      body,
    });
    assert.equal(routed.providers.first.requests[0]?.text, body.replace('gpt-4o-mini', 'small-deployment'));
  });

  it('renames the model of a form, wherever it stands', async () => {
    for (const order of [
      ['model', 'file'],
      ['file', 'model'],
    ]) {
      routed.forget();
      const form = new FormData();
      for (const field of order) form.append(field, field === 'model' ? 'whisper-1' : new File(['sound'], 'a.wav'));
      const answered = await fetch(`${routed.baseUrl}/audio/transcriptions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${routed.token}`, 'x-user-id': 'bob' },
        body: form,
      });
      assert.equal(answered.status, 200);
      const [request] = routed.providers.first.requests;
      assert.match(request?.text ?? '', /name="model"\r\n\r\nears\r\n/);
      assert.match(request?.text ?? '', /sound/);
      assert.equal(Number(request?.headers['content-length']), Buffer.byteLength(request?.text ?? ''));
    }
  });

  it('lists a renamed model under the name that calls use', async () => {
    const listed = (await routed.client.models.list()).data.map(({ id }) => id);
    assert.ok(listed.includes('gpt-4o-mini') && listed.includes('gpt-4o'));
  });
});
