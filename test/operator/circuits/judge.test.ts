import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeCircuits } from '../../../operator/circuits/judge.ts';
import { makeOrganization } from '../memory-cluster.ts';

const beganAt = new Date('2026-06-15T12:00:00.123Z');
const provider = { provider: 'openai', binding: null, scope: 'provider' as const, reason: '503 server_error', beganAt };
const key = { ...provider, binding: 'shop/openai', scope: 'key' as const, reason: '401 invalid_api_key' };

test('the condition names each provider and key that fails, since when and how it goes on', () => {
  const verdict = judgeCircuits(makeOrganization('acme'), [provider, key]);
  assert.deepEqual([verdict?.type, verdict?.status, verdict?.reason], ['ProvidersAvailable', false, 'CircuitOpen']);
  assert.equal(
    verdict?.message,
    'Provider "openai" fails since 2026-06-15T12:00:00Z (503 server_error); one call every 30s tries it again. The key of ApiKeyBinding shop/openai at provider "openai" fails since 2026-06-15T12:00:00Z (401 invalid_api_key); one call every 30s tries it again. Calls go to other providers and keys, where there are any.',
  );
});

test('of many, the first are named', () => {
  const { message } = judgeCircuits(makeOrganization('acme'), Array(9).fill(key)) ?? assert.fail();
  assert.match(message, /again\. And 4 more\. Calls go/);
});

test('an organization without failures has no condition about them, unless it had one', () => {
  assert.equal(judgeCircuits(makeOrganization('acme'), []), undefined);
  const condition = { type: 'ProvidersAvailable', status: 'False', reason: 'CircuitOpen', message: 'x' } as const;
  const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const former = makeOrganization('acme', {}, { status: { conditions } });
  assert.equal(judgeCircuits(former, [])?.reason, 'CircuitsClosed');
});
