import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nobody, userIdOf } from '../../../../database/ids.ts';
import { makeIdentify } from '../../../../proxy/calls/identify/identify.ts';
import { makeUserRule } from '../../../../proxy/snapshot/user-rule.ts';
import { organizationSpec } from '../../../database/tenant.ts';
import { makeSnapshot, organizationId } from '../../snapshot.ts';

const identify = makeIdentify(organizationId);
const strict = makeSnapshot();
const lenient = makeSnapshot({ requireUser: false });

/** A header as Node hands it over: UTF-8 bytes, each as one Latin-1 character. */
function asHeader(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

const users: readonly (readonly [string, string | undefined, string | undefined, string | undefined])[] = [
  ['the header', undefined, 'ada', 'ada'],
  ['the credential', 'ada', undefined, 'ada'],
  ['both, where they agree', 'ada', 'ada', 'ada'],
  ['the header without the space around it', undefined, '  ada ', 'ada'],
  ['the credential, where the header is blank', 'ada', '  ', 'ada'],
  ['a header in UTF-8', undefined, asHeader('zoë–星'), 'zoë–星'],
  ['a header in Latin-1', undefined, 'zo\u00eb', 'zoë'],
];
for (const [what, bound, header, expected] of users) {
  test(`a user is named by ${what}`, () => {
    const headers = header === undefined ? {} : { 'x-user-id': header };
    const { user, userId } = identify({ user: bound, roles: [] }, headers, strict);
    assert.deepEqual([user, userId], [expected, userIdOf(organizationId, expected ?? '')]);
  });
}

test('a credential’s user cannot act as another', () => {
  assert.throws(() => identify({ user: 'ada', roles: [] }, { 'x-user-id': 'bob' }, strict), {
    code: 'user_mismatch',
    param: 'X-User-ID',
  });
});

const account = 'system:serviceaccount:shop:assistant';
const workloads: readonly (readonly [
  what: string,
  users: readonly string[] | undefined,
  named: string,
  ok: boolean,
])[] = [
  ['an organization that says nothing', undefined, 'alice', true],
  ['a user that is named', ['bob', 'alice'], 'alice', true],
  ['a user that a pattern stands for', ['*@example.com'], 'alice@example.com', true],
  ['a user of the workload’s namespace', ['{namespace}:*'], 'shop:alice', true],
  ['a user of another namespace', ['{namespace}:*'], 'bank:alice', false],
  ['another user', ['bob', 'al', '*@example.com'], 'alice', false],
  ['a user in other letters', ['alice'], 'Alice', false],
  ['a name that ends like a pattern', ['*@example.com'], 'alice@example.com.evil', false],
  ['a user where none may be named', [], 'alice', false],
];
for (const [what, workloadUsers, named, ok] of workloads) {
  test(`a workload may ${ok ? '' : 'not '}name ${what}`, () => {
    const authentication = {
      ...organizationSpec.authentication,
      ...(workloadUsers && { workloadUsers: [...workloadUsers] }),
    };
    const snapshot = makeSnapshot({ mayName: makeUserRule({ ...organizationSpec, authentication }) });
    const attempt = (identity: object) =>
      identify({ user: undefined, roles: [], ...identity }, { 'x-user-id': named }, snapshot).user;
    const credentials = [{ namespace: 'shop' }, { namespace: 'shop', defaultUser: account }];
    for (const identity of credentials) {
      if (ok) assert.equal(attempt(identity), named);
      else assert.throws(() => attempt(identity), { code: 'user_not_allowed', status: 403, param: 'X-User-ID' });
    }
    // What was issued to somebody is no workload's.
    assert.equal(attempt({}), named);
  });
}

test('a service account may name itself, and a binding its user, whatever users workloads may name', () => {
  const authentication = { ...organizationSpec.authentication, workloadUsers: [] };
  const snapshot = makeSnapshot({ mayName: makeUserRule({ ...organizationSpec, authentication }) });
  const itself = { user: undefined, defaultUser: account, namespace: 'shop', roles: [] };
  assert.equal(identify(itself, { 'x-user-id': account }, snapshot).user, account);
  assert.equal(identify(itself, {}, snapshot).user, account);
  const bound = { user: 'ada', namespace: 'shop', roles: [] };
  assert.equal(identify(bound, { 'x-user-id': 'ada' }, snapshot).user, 'ada');
  assert.throws(() => identify(bound, { 'x-user-id': 'bob' }, snapshot), { code: 'user_mismatch' });
});

test('a request must name its user, unless the organization or the surface does not ask', () => {
  assert.throws(() => identify({ user: undefined, roles: [] }, {}, strict), {
    code: 'user_required',
    message: /^User not found: send .* X-User-ID, .*chaperone token --organization NAME --user YOU/,
  });
  for (const [snapshot, mayLackUser] of [
    [lenient, false],
    [strict, true],
  ] as const) {
    const { user, userId } = identify({ user: undefined, roles: [] }, {}, snapshot, mayLackUser);
    assert.deepEqual([user, userId], [undefined, nobody]);
  }
});

test('a session is the caller’s, or a new one each time', () => {
  const sessionOf = (headers: object) => identify({ user: 'ada', roles: [] }, { ...headers }, strict).sessionId;
  assert.equal(sessionOf({ 'x-session-id': 'mine' }), 'mine');
  assert.match(sessionOf({}), /^sess_[0-9a-f]{24}$/);
  assert.match(sessionOf({ 'x-session-id': ' ' }), /^sess_/);
  assert.notEqual(sessionOf({}), sessionOf({}));
});

test('a turn is the caller’s, or none', () => {
  const turnOf = (headers: object) => identify({ user: 'ada', roles: [] }, { ...headers }, strict).turnId;
  assert.deepEqual([turnOf({ 'x-turn-id': 't1' }), turnOf({})], ['t1', undefined]);
});

for (const [name, param, limit] of [
  ['x-user-id', 'X-User-ID', 255],
  ['x-session-id', 'X-Session-ID', 128],
  ['x-turn-id', 'X-Turn-ID', 128],
] as const) {
  test(`${param} has at most ${limit} characters`, () => {
    const identity = { user: name === 'x-user-id' ? undefined : 'ada', roles: [] };
    identify(identity, { [name]: asHeader('é'.repeat(limit)) }, strict);
    assert.throws(() => identify(identity, { [name]: 'x'.repeat(limit + 1) }, strict), {
      code: 'invalid_header',
      param,
    });
  });
}

const speechHeaders: readonly (readonly [header: string, value: string, read: string | undefined])[] = [
  ['X-Service', 'asr', 'asr'],
  ['X-Service', ' TTS ', 'tts'],
  ['X-Service', ' ', undefined],
  ['X-Language-Code', 'hi-IN', 'hi-IN'],
  ['X-Language-Code', ' zh-Hant-TW ', 'zh-Hant-TW'],
  ['X-Language-Code', '', undefined],
];
for (const [header, value, read] of speechHeaders) {
  test(`${header}: ${JSON.stringify(value)} is ${read ?? 'as if it were absent'}`, () => {
    const { service, language } = identify({ user: 'ada', roles: [] }, { [header.toLowerCase()]: value }, strict);
    assert.deepEqual([service ?? language], [read]);
  });
}

for (const [header, value, message] of [
  ['X-Service', 'video', 'Error processing request: X-Service must be asr, llm, translation or tts'],
  ['X-Language-Code', 'hi_IN', 'Error processing request: X-Language-Code must be a language tag such as hi-IN'],
  [
    'X-Language-Code',
    'a-'.repeat(20),
    'Error processing request: X-Language-Code must be a language tag such as hi-IN',
  ],
] as const) {
  test(`${header}: ${value} is refused`, () => {
    assert.throws(() => identify({ user: 'ada', roles: [] }, { [header.toLowerCase()]: value }, strict), {
      code: 'invalid_header',
      param: header,
      message,
    });
  });
}
