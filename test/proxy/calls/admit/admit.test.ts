import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  admitAnyModel,
  admitFormModels,
  admitModel,
  admitPersona,
  admitSurface,
} from '../../../../proxy/calls/admit/admit.ts';
import type { Caller } from '../../../../proxy/calls/call.ts';
import { makeKey, makeSnapshot } from '../../snapshot.ts';
import { makePersona } from '../persona.ts';

function caller(user: string | undefined): Caller {
  return { identity: { user, roles: [] }, roles: [], user, userId: 'u', sessionId: 's', turnId: undefined };
}

const open = makePersona({ id: '00000000-0000-5000-8000-00000000000a' });
const restricted = makePersona({ id: '00000000-0000-5000-8000-00000000000b', users: new Set(['ada', 'bob']) });
const inactive = makePersona({ id: '00000000-0000-5000-8000-00000000000c', isActive: false });
const snapshot = makeSnapshot({
  personas: new Map([open, restricted, inactive].map((persona) => [persona.id, persona])),
});

const cases: readonly (readonly [string, string | undefined, unknown, object | undefined])[] = [
  ['a persona open to everyone', 'eve', open.id, open],
  ['the same, written in capitals', 'eve', open.id.toUpperCase(), open],
  ['a persona open to everyone, by nobody', undefined, open.id, open],
  ['a persona of the user’s', 'ada', restricted.id, restricted],
  ['a persona of other users', 'eve', restricted.id, undefined],
  ['a persona of other users, by nobody', undefined, restricted.id, undefined],
  ['an inactive persona', 'ada', inactive.id, undefined],
  ['an unknown persona', 'ada', '00000000-0000-5000-8000-00000000000d', undefined],
  ['a number', 'ada', 7, undefined],
  ['an object', 'ada', { id: open.id }, undefined],
  ['an empty string', 'ada', '', undefined],
];
for (const [what, user, id, expected] of cases) {
  test(`${what} is ${expected ? 'admitted' : 'not found'}`, () => {
    if (expected) assert.equal(admitPersona(snapshot, caller(user), id), expected);
    else {
      assert.throws(() => admitPersona(snapshot, caller(user), id), {
        code: 'persona_not_found',
        param: 'persona_id',
        message:
          /^Persona not found or not accessible: (persona_id must be a persona's id, not its name|GET \/v1\/personas lists those that you may use)/,
      });
    }
  });
}

test('a model that the organization does not allow is refused by name, shortened', () => {
  const closed = makeSnapshot({ allowsModel: (model) => model === 'gpt-4o' });
  admitModel(closed, 'gpt-4o');
  assert.throws(() => admitModel(closed, 'o3'), {
    code: 'model_not_allowed',
    param: 'model',
    message: 'The organization does not allow the model "o3"; GET /v1/models lists those that it allows',
  });
  assert.throws(
    () => admitModel(closed, 'x'.repeat(10_000)),
    ({ message }: Error) => message.length < 300,
  );
});

test('a surface that the organization does not name is refused by name; without a list every one is served', () => {
  const closed = makeSnapshot({ surfaces: new Set(['chat', 'audio']) });
  for (const surface of ['chat', 'audio'] as const) admitSurface(closed, surface);
  for (const surface of ['responses', 'files'] as const) {
    admitSurface(makeSnapshot(), surface);
    assert.throws(() => admitSurface(closed, surface), {
      code: 'surface_not_allowed',
      status: 403,
      message: `The organization does not serve the API "${surface}": its spec.surfaces does not name it`,
    });
  }
});

test('a call whose model the provider chooses is admitted only where every model is allowed', () => {
  const none = { code: 'model_not_allowed', param: 'model' };
  const restricted = makeSnapshot({ allowsModel: (model) => model === 'gpt-image-1' });
  const narrow = makeKey('k', { servesModel: (model) => model === 'gpt-image-1' });
  admitAnyModel(makeSnapshot(), makeKey('k'));
  assert.throws(() => admitAnyModel(restricted, makeKey('k')), none);
  assert.throws(() => admitAnyModel(makeSnapshot(), narrow), none);
});

test('a further model that a form names is checked like its own model', () => {
  const restricted = makeSnapshot({ allowsModel: (model) => model === 'gpt-image-1' });
  for (const form of [{}, { model: 'o3' }, { 'svg[model]': 'gpt-image-1' }, { prompt: 'A model' }]) {
    admitFormModels(restricted, form);
  }
  for (const form of [
    { 'svg[model]': 'o3' },
    { svg: '{"model":"o3"}' },
    { 'tools[0][model]': ['gpt-image-1', 'o3'] },
  ]) {
    assert.throws(() => admitFormModels(restricted, form), { code: 'model_not_allowed' });
  }
});
