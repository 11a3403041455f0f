import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../../../../proxy/calls/call.ts';
import { keysOf, routeKey } from '../../../../proxy/calls/route/route.ts';
import { makeKey, makeSnapshot } from '../../snapshot.ts';

const nowMs = 1_000;
const ada = makeKey('ada');
const adaSmall = makeKey('ada-small', { servesModel: (model) => model === 'small' });
const expired = makeKey('expired', { expiresAtMs: nowMs });
const shared = makeKey('shared', {
  expiresAtMs: nowMs + 1,
  servesModel: (model) => model !== undefined && model !== 'huge',
});
const spare = makeKey('spare');

const all = [ada, adaSmall, expired, shared, spare];
const snapshot = makeSnapshot({
  keys: new Map(all.map((key) => [key.id, key])),
  keysByUser: new Map([
    ['ada', [expired, adaSmall, ada]],
    ['bob', [expired]],
    ['cyd', [adaSmall]],
  ]),
  organizationKeys: [expired, shared, spare],
});

function caller(user: string | undefined): Caller {
  return { identity: { user, roles: [] }, roles: [], user, userId: 'u', sessionId: 's', turnId: undefined };
}

function predecessor(apiKeyId: string | null) {
  return { requestId: 'req_1', responseId: 'resp_1', userId: 'u', sessionId: 's', apiKeyId };
}

const cases: readonly (readonly [string, string | undefined, string | undefined, string | null | undefined, string])[] =
  [
    ['the user’s own key', 'ada', 'large', undefined, 'ada'],
    ['the first of the user’s keys that serves the model', 'ada', 'small', undefined, 'ada-small'],
    ['the organization’s, where the user’s has expired', 'bob', 'large', undefined, 'shared'],
    ['the organization’s, where the user’s does not serve the model', 'cyd', 'large', undefined, 'shared'],
    ['the organization’s, where the user has none', 'eve', 'large', undefined, 'shared'],
    ['the organization’s, where there is no user', undefined, 'large', undefined, 'shared'],
    ['the next of the organization’s that serves the model', 'eve', 'huge', undefined, 'spare'],
    ['one that serves every model, where none is named', 'eve', undefined, undefined, 'spare'],
    ['the organization’s of every model, where the user’s serves few', 'cyd', undefined, undefined, 'spare'],
    ['the predecessor’s', 'ada', 'large', 'spare', 'spare'],
    ['not the predecessor’s where it has expired', 'ada', 'large', 'expired', 'ada'],
    ['not the predecessor’s where it does not serve the model', 'ada', 'huge', 'shared', 'ada'],
    ['not the predecessor’s where it is gone', 'ada', 'large', 'gone', 'ada'],
    ['the user’s where the predecessor had none', 'ada', 'large', null, 'ada'],
  ];
for (const [what, user, model, before, expected] of cases) {
  test(`a call uses ${what}`, () => {
    const earlier = before === undefined ? undefined : predecessor(before);
    assert.equal(routeKey(snapshot, caller(user), model, earlier, nowMs).id, expected);
  });
}

test('a call without a key is refused', () => {
  const empty = makeSnapshot({ keysByUser: new Map([['ada', [ada]]]), organizationKeys: [expired] });
  assert.throws(() => routeKey(empty, caller('bob'), 'gpt-4o', undefined, nowMs), {
    code: 'no_api_key',
    message: /^No active API key found for organization: it needs an ApiKeyBinding/,
  });
});

test('a call without a model uses the first key where no key serves every model', () => {
  const few = makeSnapshot({ keysByUser: new Map([['cyd', [expired, adaSmall]]]), organizationKeys: [shared] });
  assert.equal(routeKey(few, caller('cyd'), undefined, undefined, nowMs).id, 'ada-small');
  assert.deepEqual(
    keysOf(few, caller('cyd'), nowMs).map(({ id }) => id),
    ['ada-small', 'shared'],
  );
});
