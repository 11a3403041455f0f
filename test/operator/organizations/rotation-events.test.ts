import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationCredentials } from '../../../operator/credentials.ts';
import type { RotationDecision } from '../../../operator/organizations/rotate.ts';
import { describeRotations } from '../../../operator/organizations/rotation-events.ts';

const still: RotationDecision = { issue: false, use: 'a', drop: [], distrust: [], nextMs: undefined };
const credentials: OrganizationCredentials = {
  organization: { id: '1', name: 'acme' },
  databaseUrl: '',
  jwks: { keys: [] },
  dataKeys: { current: 'a', keys: {} },
  loginIssuedAtS: 0,
};
const signingKeys = [{ kty: 'OKP', kid: 'a' }];
const inUse = { signingKeys, credentials };

const rows: readonly (readonly [string, Partial<Parameters<typeof describeRotations>[1]>, readonly RegExp[]])[] = [
  ['nothing', {}, []],
  ['a new token key', { tokenKeys: { ...still, issue: true } }, [/^TokenKeyIssued: A new token key is handed out/]],
  [
    'a key that is used now',
    { tokenKeys: { ...still, use: 'b' } },
    [/^TokenKeyInUse: The token key b .* instead of a\.$/],
  ],
  ['keys that are gone', { tokenKeys: { ...still, drop: ['x', 'y'] } }, [/^TokenKeyRetired: .*x, y/]],
  [
    'keys in the wrong hands',
    { tokenKeys: { ...still, issue: true, drop: ['x'], distrust: ['x'] } },
    [/^TokenKeyIssued/, /^TokenKeyRevoked: What was signed with x is refused/],
  ],
  ['data keys', { dataKeys: { ...still, issue: true, use: 'b' } }, [/^DataKeyIssued/, /^DataKeyInUse: The data key b/]],
  ['a login', { renewsLogin: true }, [/^DatabasePasswordRotated/]],
];
for (const [title, changes, expected] of rows) {
  test(`${title} rotated: ${expected.length} Events`, () => {
    const notes = describeRotations(inUse, { tokenKeys: still, dataKeys: still, renewsLogin: false, ...changes });
    assert.equal(notes.length, expected.length);
    for (const [index, says] of expected.entries()) {
      const note = notes[index];
      assert.match(`${note?.reason}: ${note?.message}`, says);
      assert.equal(note?.type, 'Normal');
    }
  });
}

test('the first keys of an organization do not count as a rotation', () => {
  const first = { issue: true, use: undefined, drop: [], distrust: [], nextMs: undefined };
  const none = { signingKeys: [], credentials: undefined };
  assert.deepEqual(describeRotations(none, { tokenKeys: first, dataKeys: first, renewsLogin: true }), []);
});
