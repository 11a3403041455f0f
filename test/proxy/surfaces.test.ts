import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Surface } from '../../proxy/snapshot/snapshot.ts';
import { replaceFile } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const hi = { model: 'gpt-4o', input: 'Hi' };
const file = new File(['x'], 'a.wav');

/** A call of each operation that the provider would answer. */
const calls: readonly (readonly [surface: Surface, path: string, body: object])[] = [
  ['responses', '/responses', hi],
  ['responses', '/responses/compact', hi],
  ['chat', '/chat/completions', { model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }] }],
  ['embeddings', '/embeddings', { model: 'text-embedding-3-small', input: 'Hi' }],
  ['completions', '/completions', { model: 'gpt-3.5-turbo-instruct', prompt: 'Hi' }],
  ['moderations', '/moderations', { input: 'Hi' }],
  ['images', '/images/generations', { model: 'gpt-image-1', prompt: 'Hi' }],
  ['images', '/images/edits', { model: 'gpt-image-1', prompt: 'Hi', image: file }],
  ['images', '/images/variations', { image: file }],
  ['audio', '/audio/speech', { model: 'tts-1', voice: 'alloy', input: 'Hi' }],
  ['audio', '/audio/transcriptions', { model: 'whisper-1', file }],
  ['audio', '/audio/translations', { model: 'whisper-1', file }],
];
const surfaces = [...new Set(calls.map(([surface]) => surface))];

/** An Organization's `surfaces`, through the front door: a real operator, a real proxy, the sandbox behind it. */
describe('surfaces', () => {
  const scope = suiteScope();
  let stack: Stack;
  let specWithoutSurfaces: string;

  const serve = async (surfaces: readonly Surface[] | undefined) => {
    const field = surfaces ? `  surfaces: [${surfaces.join(', ')}]\n` : '';
    await replaceFile(join(stack.directory, 'organization.yaml'), specWithoutSurfaces + field);
  };
  const call = async (path: string, body: object) => {
    const answer = await fetch(`${stack.baseUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' },
      body: Object.values(body).includes(file) ? formOf(body) : JSON.stringify(body),
    });
    const text = await answer.text();
    return answer.ok ? 'served' : `${answer.status} ${JSON.parse(text).error.code} ${JSON.parse(text).error.message}`;
  };
  const refusal = (surface: Surface) =>
    `403 surface_not_allowed The organization does not serve the API "${surface}": its spec.surfaces does not name it`;
  const billedCalls = async () => {
    const summary = await fetch(new URL('/sandbox/calls?summary', stack.upstreamUrl)).then((answer) => answer.json());
    return (summary as { total: number }).total;
  };

  before(async () => {
    stack = await startStack(scope, { ownProcess: true });
    const quickstart = await readFile(join(stack.directory, 'organization.yaml'), 'utf8');
    // Every model, so that nothing but the surface refuses a call.
    specWithoutSurfaces = quickstart.replace(/ {2}# Any other model[\s\S]*$/, '');
    await serve(undefined);
    await until(async () => (await call('/moderations', { input: 'Hi' })) === 'served');
  });

  it('are all served where none is named', async () => {
    for (const [surface, path, body] of calls) assert.equal(await call(path, body), 'served', surface);
  });

  it('are served only where they are named, and calls to the others never reach the provider', async () => {
    for (const served of surfaces) {
      await serve([served]);
      for (const [surface, path, body] of calls) {
        await until(async () => (await call(path, body)) === (surface === served ? 'served' : refusal(surface)));
      }
      const before = await billedCalls();
      for (const [surface, path, body] of calls) {
        if (surface !== served) assert.equal(await call(path, body), refusal(surface));
      }
      assert.equal(await billedCalls(), before);
    }
    await serve(undefined);
    for (const [, path, body] of calls) await until(async () => (await call(path, body)) === 'served');
  });
});

function formOf(fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}
