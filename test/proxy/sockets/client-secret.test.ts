import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { generateDataKeys, makeEnvelope } from '../../../database/envelope.ts';
import { openRevocations } from '../../../proxy/snapshot/revocations.ts';
import {
  type ClientSecret,
  identityOf,
  openSecret,
  requireFresh,
  sealSecret,
} from '../../../proxy/sockets/client-secret.ts';
import { makeSnapshot } from '../snapshot.ts';

const organizationId = randomUUID();
const envelope = makeEnvelope(generateDataKeys());
const snapshot = makeSnapshot({ organizationId });
const token = { tokenId: 'jti', keyId: 'kid', userId: 'u', issuedAtMs: 1_000 };
const secret: ClientSecret = {
  user: 'ada',
  roles: ['member'],
  namespace: null,
  sessionId: 'sess_1',
  expiresAtMs: Date.now() + 60_000,
  session: { type: 'realtime', model: 'gpt-realtime', instructions: 'Be brief. '.repeat(500) },
  madeWith: token,
};

test('an ephemeral key is read as it was made, and names its holder', () => {
  const value = sealSecret(envelope, snapshot, secret);
  assert.match(value, /^ek_[\w-]+$/);
  assert.deepEqual(openSecret(envelope, snapshot, value), secret);
  assert.deepEqual(identityOf(secret), { user: 'ada', namespace: undefined, roles: ['member'] });
});

test('an ephemeral key of another organization, of another key, or with a changed letter is none', () => {
  const value = sealSecret(envelope, snapshot, secret);
  const others = [
    openOf(makeEnvelope(generateDataKeys()), snapshot, value),
    openOf(envelope, makeSnapshot({ organizationId: randomUUID() }), value),
    openOf(envelope, snapshot, `${value.slice(0, -2)}${value.endsWith('A') ? 'B' : 'A'}A`),
    openOf(envelope, snapshot, 'ek_'),
    openOf(envelope, snapshot, `ek_${'A'.repeat(20_000)}`),
  ];
  for (const open of others) assert.throws(open, { code: 'invalid_credentials' });
});

test('an ephemeral key ends with the credential that made it, and by its time', () => {
  const value = sealSecret(envelope, snapshot, secret);
  const row = { kind: 'token', subject: 'jti', issued_before_ms: null, expires_at_ms: null } as const;
  const revoked = makeSnapshot({ organizationId, revocations: openRevocations([row as never]) });
  assert.throws(openOf(envelope, revoked, value), { code: 'invalid_credentials', message: /has been revoked/ });
  const bySynthetic = sealSecret(envelope, snapshot, { ...secret, madeWith: { syntheticKey: 'gone' } });
  assert.throws(openOf(envelope, snapshot, bySynthetic), { code: 'invalid_credentials' });
  assert.throws(() => requireFresh({ ...secret, expiresAtMs: Date.now() - 1 }), { code: 'invalid_credentials' });
});

test('a configuration that does not fit into a key is refused, by its field', () => {
  const instructions = Array.from({ length: 2_000 }, () => randomUUID()).join(' ');
  assert.throws(() => sealSecret(envelope, snapshot, { ...secret, session: { instructions } }), {
    code: 'invalid_request',
    param: 'session',
  });
});

function openOf(...args: Parameters<typeof openSecret>): () => ClientSecret {
  return () => openSecret(...args);
}
