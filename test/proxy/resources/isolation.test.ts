import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { resourceRoutes } from '../../../proxy/surfaces/openai/resources/routes.ts';
import { type CountedSandbox, startCountedSandbox } from '../../counted-sandbox.ts';

import { copyQuickstart } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { type Ready, startUp } from '../../up/start-up.ts';

/** Another organization, with the very provider key that the quickstart's has. */
const globex = `apiVersion: chaperone.dev/v1alpha1
kind: Organization
metadata: {name: globex}
spec:
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: globex}}
  providers: [{name: openai, type: openai}]
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: globex}
stringData: {key: sk-sandbox-shared}
---
apiVersion: chaperone.dev/v1alpha1
kind: ApiKeyBinding
metadata: {name: shared, namespace: globex}
spec: {organizationRef: {name: globex}, provider: openai, secretKeyRef: {name: key, key: key}}
`;

describe('a stored resource, under a key that two organizations share', () => {
  const scope = suiteScope();
  let sandbox: CountedSandbox;
  let organizations: Ready['organizations'];
  let bob: OpenAI;
  const ids: Record<string, string> = {};

  const clientOf = (organization: number, user: string) =>
    new OpenAI({
      baseURL: organizations[organization]?.baseUrl ?? '',
      apiKey: organizations[organization]?.token ?? '',
      defaultHeaders: { 'X-User-ID': user },
      maxRetries: 0,
    });

  const statusOf = async (path: string) => {
    const { baseUrl, token } = organizations[0] ?? { baseUrl: '', token: '' };
    const { hostname, port } = new URL(baseUrl);
    const headers = { authorization: `Bearer ${token}`, 'x-user-id': 'bob' };
    const [answer] = await once(request({ hostname, port, path, headers }).end(), 'response');
    answer.resume();
    return answer.statusCode;
  };

  before(async () => {
    sandbox = await startCountedSandbox(scope);
    const directory = await copyQuickstart(scope);
    await writeFile(join(directory, 'globex.yaml'), globex);
    const up = await startUp(scope, { directory, arguments: ['--upstream', sandbox.url] });
    ({ organizations } = up.ready);
    bob = clientOf(0, 'bob');
    const response = await bob.responses.create({ model: 'gpt-4o', input: 'Mine' });
    ids.response = response.id;
    ids.item = response.output[0]?.id ?? '';
    ids.conversation = (await bob.conversations.create({ items: [{ role: 'user', content: 'Mine' }] })).id;
    ids.file = (
      await bob.files.create({ file: await toFile(Buffer.from('Mine'), 'mine.txt'), purpose: 'user_data' })
    ).id;
    ids.vector_store = (await bob.vectorStores.create({ file_ids: [ids.file] })).id;
  });

  const strangers: readonly (readonly [who: string, client: () => OpenAI])[] = [
    ['another user', () => clientOf(0, 'mallory')],
    ['the same user of another organization', () => clientOf(1, 'bob')],
  ];
  for (const [who, client] of strangers) {
    for (const { method, path, kind } of resourceRoutes.filter((route) => route.path.includes('/:id'))) {
      it(`${method} ${path} does not exist for ${who}`, async () => {
        // Whether there is one of its kind or not: the answer is the same.
        const id = ids[kind] ?? 'batch_none';
        const target = path.replace(':id', id).replace(/:\w+/g, ids.file ?? '');
        const before = sandbox.requests.length;
        const error = await client()
          .request({
            method: method === 'GET' ? 'get' : method === 'POST' ? 'post' : 'delete',
            path: target,
            body: method === 'POST' ? {} : undefined,
          })
          .then(
            () => assert.fail('it was answered'),
            (reason: unknown) => reason,
          );
        assert.ok(error instanceof OpenAI.NotFoundError, String(error));
        assert.equal(error.code, 'resource_not_found');
        assert.match(error.message, /with id '[\w-]+' not found\.$/);
        assert.equal(sandbox.requests.length, before, 'it was forwarded');
      });
    }

    const references: Readonly<Record<string, () => object>> = {
      previous_response_id: () => ({ previous_response_id: ids.response }),
      conversation: () => ({ conversation: ids.conversation }),
      'conversation as an object': () => ({ conversation: { id: ids.conversation } }),
      input_file: () => ({
        input: [{ role: 'user', content: [{ type: 'input_file', file_id: ids.file }] }],
      }),
      file_search: () => ({ tools: [{ type: 'file_search', vector_store_ids: [ids.vector_store] }] }),
      code_interpreter: () => ({
        tools: [{ type: 'code_interpreter', container: { type: 'auto', file_ids: [ids.file] } }],
      }),
      container: () => ({ tools: [{ type: 'code_interpreter', container: 'cntr_1' }] }),
      item_reference: () => ({ input: [{ type: 'item_reference', id: ids.item }] }),
      'an item by nothing but its id': () => ({ input: [{ id: ids.item }] }),
      'an item that says nothing of itself': () => ({ input: [{ type: 'reasoning', id: ids.item, summary: [] }] }),
      'an image that was made': () => ({ input: [{ type: 'image_generation_call', id: ids.item }] }),
      'a container of an earlier call': () => ({
        input: [{ type: 'code_interpreter_call', container_id: 'cntr_1', code: '', outputs: [] }],
      }),
    };
    for (const [name, reference] of Object.entries(references)) {
      it(`a call of ${who} cannot refer to it: ${name}`, async () => {
        const before = sandbox.requests.length;
        const body = { model: 'gpt-4o', input: 'Show me', ...reference() };
        for (const path of ['/responses', '/responses/input_tokens', '/responses/compact']) {
          const error = await client()
            .post(path, { body })
            .catch((reason: unknown) => reason);
          assert.ok(error instanceof OpenAI.APIError, path);
          const expected = name === 'previous_response_id' ? 'previous_response_not_found' : 'resource_not_found';
          assert.equal(error.code, expected, path);
        }
        assert.equal(sandbox.requests.length, before, 'it was forwarded');
      });
    }

    it(`a chat or speech of ${who} cannot refer to it`, async () => {
      const before = sandbox.requests.length;
      const attempts: readonly (readonly [path: string, body: object])[] = [
        [
          '/chat/completions',
          { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: ids.file } }] }] },
        ],
        ['/chat/completions', { messages: [{ role: 'assistant', audio: { id: 'audio_1' } }] }],
        ['/images/edits', { prompt: 'A cat', images: [{ file_id: ids.file }] }],
      ];
      for (const [path, body] of attempts) {
        const error = await client()
          .post(path, { body: { model: 'gpt-4o', ...body } })
          .catch((reason: unknown) => reason);
        assert.ok(error instanceof OpenAI.NotFoundError, JSON.stringify(body));
        assert.equal(error.code, 'resource_not_found');
      }
      assert.equal(sandbox.requests.length, before, 'it was forwarded');
    });

    it(`a form of ${who} cannot refer to it`, async () => {
      const before = sandbox.requests.length;
      for (const field of [
        'image',
        'image[]',
        'image[0][file_id]',
        'mask',
        'mask[file_id]',
        'file_id',
        'images[].file_id',
      ]) {
        const form = new FormData();
        form.set(field, ids.file ?? '');
        form.set('prompt', 'A cat');
        form.set('model', 'gpt-image-1');
        const { baseURL, apiKey } = client();
        const answer = await fetch(`${baseURL}/images/edits`, {
          method: 'POST',
          headers: { authorization: `Bearer ${apiKey}`, 'x-user-id': 'mallory' },
          body: form,
        });
        const { error } = JSON.parse(await answer.text());
        assert.deepEqual([answer.status, error.code, error.param], [400, 'invalid_request', field]);
      }
      assert.equal(sandbox.requests.length, before, 'it was forwarded');
    });

    it(`${who} cannot put it into their own store or conversation`, async () => {
      const other = client();
      const store = await other.vectorStores.create({ name: 'theirs' });
      const conversation = await other.conversations.create();
      const file = ids.file ?? '';
      const before = sandbox.requests.length;
      const attempts = [
        () => other.vectorStores.create({ file_ids: [file] }),
        () => other.vectorStores.files.create(store.id, { file_id: file }),
        () => other.vectorStores.fileBatches.create(store.id, { file_ids: [file] }),
        () =>
          other.conversations.items.create(conversation.id, {
            items: [{ role: 'user', content: [{ type: 'input_file', file_id: file }] }],
          }),
        () => other.post(`/conversations/${conversation.id}/items`, { body: { items: [{ id: ids.item }] } }),
        () => other.post('/conversations', { body: { items: [{ type: 'item_reference', id: ids.item }] } }),
      ];
      for (const attempt of attempts) {
        await assert.rejects(
          attempt(),
          (error) => error instanceof OpenAI.NotFoundError && error.code === 'resource_not_found',
        );
      }
      assert.equal(sandbox.requests.length, before, 'it was forwarded');
    });
  }

  it('is only in its maker’s lists', async () => {
    const theirs = await strangers[0]?.[1]().vectorStores.create({ name: 'theirs' });
    for (const [who, client] of strangers) {
      assert.deepEqual((await client().files.list()).data, [], who);
      const stores = (await client().vectorStores.list({ limit: 100 })).data.map((store) => store.id);
      assert.ok(!stores.includes(ids.vector_store ?? ''), who);
      await assert.rejects(client().vectorStores.list({ after: ids.vector_store ?? '' }), OpenAI.NotFoundError, who);
    }
    assert.deepEqual(
      (await bob.files.list()).data.map((file) => file.id),
      [ids.file],
    );
    const more = await bob.vectorStores.create({ name: 'more' });
    const first = await bob.vectorStores.list({ limit: 1 });
    assert.deepEqual([first.data.map((store) => store.id), first.has_more], [[more.id], true]);
    const pages: string[] = [];
    for await (const store of bob.vectorStores.list({ limit: 1 })) pages.push(store.id);
    assert.deepEqual(pages, [more.id, ids.vector_store]);
    assert.ok(theirs && !pages.includes(theirs.id));
    await bob.vectorStores.delete(more.id);
    assert.deepEqual(
      (await bob.vectorStores.list()).data.map((store) => store.id),
      [ids.vector_store],
    );
  });

  it('is complete for its maker', async () => {
    const { response = '', conversation = '', file = '', vector_store = '' } = ids;
    assert.equal((await bob.responses.retrieve(response)).id, response);
    assert.equal((await bob.conversations.retrieve(conversation)).id, conversation);
    assert.equal((await bob.files.retrieve(file)).id, file);
    assert.equal((await bob.vectorStores.retrieve(vector_store)).id, vector_store);
    const again = await bob.responses.create({
      model: 'gpt-4o',
      input: [
        { type: 'item_reference', id: ids.item ?? '' },
        { role: 'user', content: [{ type: 'input_file', file_id: file }] },
      ],
    });
    assert.equal(again.status, 'completed');
    const speech = await toFile(Buffer.from('Mine'), 'mine.wav', { type: 'audio/wav' });
    const heard = await bob.audio.transcriptions.create({ model: 'gpt-4o-transcribe', file: speech, prompt: 'Names' });
    assert.equal(typeof heard.text, 'string');
  });

  it('only known paths are passed to the provider', async () => {
    const before = sandbox.requests.length;
    const unknown: readonly (readonly ['get' | 'post' | 'delete', string])[] = [
      ['get', '/fine_tuning/jobs'],
      ['post', '/assistants'],
      ['post', `/responses/${ids.response}/other`],
      ['post', `/files/${ids.file}`],
      ['get', '/chat/completions/chatcmpl-1'],
      ['get', '/containers'],
      ['post', '/uploads'],
    ];
    for (const [method, path] of unknown) {
      const error = await bob.request({ method, path }).catch((reason: unknown) => reason);
      assert.ok(error instanceof OpenAI.NotFoundError, path);
      assert.equal(error.code, 'route_not_found', path);
    }
    const list = await bob.request({ method: 'get', path: '/responses' }).catch((reason: unknown) => reason);
    assert.ok(list instanceof OpenAI.APIError);
    assert.deepEqual([list.status, list.code], [426, 'websocket_required']);
    // As bytes on the wire: fetch would tidy them up.
    for (const item of ['..', '..%2f..%2f..%2fmodels', '%2e%2e', 'a%3fb', 'a%20b', '.', '%2e']) {
      const status = await statusOf(`/v1/vector_stores/${ids.vector_store}/files/${item}/content`);
      assert.equal(status, 404, item);
    }
    assert.equal(sandbox.requests.length, before, 'it was forwarded');
  });
});
