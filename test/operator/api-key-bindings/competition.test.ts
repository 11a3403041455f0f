import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiKeyBinding } from '../../../crds/resources.generated.ts';
import { countHeldBack, findCompetition } from '../../../operator/api-key-bindings/competition.ts';
import { makeBinding, makeMemoryCluster, makeMeta, makeOrganization } from '../memory-cluster.ts';

const nowMs = Date.parse('2026-02-01T00:00:00Z');
const acme = makeOrganization(
  'acme',
  { sharing: [{ namespace: 'platform', resources: ['ApiKeyBinding'], users: ['ada'] }] },
  { status: { sharing: 'Declared' } },
);

let uids = 0;

/** @param age whole days since it was created */
function bindingOf(path: string, age: number, spec: Partial<ApiKeyBinding['spec']> = {}): ApiKeyBinding {
  uids += 1;
  const creationTimestamp = new Date(nowMs - age * 86_400_000).toISOString();
  return { ...makeBinding(path, spec), metadata: makeMeta(path, { creationTimestamp, uid: `uid-${1_000 + uids}` }) };
}

const key = { 'api-key': Buffer.from('sk-1') };

function among(...bindings: readonly ApiKeyBinding[]) {
  return makeMemoryCluster({
    ApiKeyBinding: bindings,
    Namespace: ['web', 'api', 'platform'].map((name) => ({
      ...{ apiVersion: 'v1', kind: 'Namespace', metadata: makeMeta(name) },
    })),
    Secret: ['web', 'api', 'platform'].map((namespace) => ({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: makeMeta(`${namespace}/openai-key`), data: key },
    })),
  });
}

const rivalOf = (cluster: ReturnType<typeof among>, binding: ApiKeyBinding) =>
  findCompetition(cluster, acme, binding, nowMs).rival;

/** The names of the bindings in force. */
function inForce(...bindings: readonly ApiKeyBinding[]): string[] {
  const cluster = among(...bindings);
  const names = bindings
    .filter((binding) => rivalOf(cluster, binding) === undefined)
    .map(({ metadata }) => metadata.name);
  assert.equal(countHeldBack(cluster, acme, nowMs), bindings.length - names.length);
  return names;
}

test('of two bindings for the same calls, the older is in force, whatever their names', () => {
  assert.deepEqual(inForce(bindingOf('web/a', 1), bindingOf('web/z', 2)), ['z']);
  assert.deepEqual(inForce(bindingOf('web/z', 1), bindingOf('web/a', 2)), ['a']);
});

test('of two bindings of the same second, the first by namespace and name is in force, whichever was applied first', () => {
  assert.deepEqual(inForce(bindingOf('web/z', 1), bindingOf('web/a', 1)), ['a']);
  assert.deepEqual(inForce(bindingOf('web/a', 1), bindingOf('web/z', 1)), ['a']);
});

test('bindings that serve different calls do not compete', () => {
  const different: readonly (readonly [ApiKeyBinding, ApiKeyBinding])[] = [
    [bindingOf('web/a', 1), bindingOf('api/b', 2)],
    [bindingOf('web/a', 1), bindingOf('platform/b', 2)],
    [bindingOf('platform/a', 1, { user: 'ada' }), bindingOf('platform/b', 2)],
    [bindingOf('web/a', 1, { models: ['gpt-*'] }), bindingOf('web/b', 2, { models: ['o3', 'o4-*'] })],
    [bindingOf('web/a', 1), bindingOf('web/b', 2, { organizationRef: { name: 'globex' } })],
  ];
  for (const [one, other] of different) assert.equal(rivalOf(among(one, other), one), undefined);
});

test('bindings that share models compete, and so do those that serve every namespace', () => {
  assert.deepEqual(
    inForce(bindingOf('web/a', 1, { models: ['gpt-*'] }), bindingOf('web/b', 2, { models: ['o3', '*-mini'] })),
    ['b'],
  );
  assert.deepEqual(inForce(bindingOf('web/a', 1, { models: ['o3'] }), bindingOf('web/b', 2)), ['b']);
  assert.deepEqual(inForce(bindingOf('platform/a', 1), bindingOf('platform/b', 2)), ['b']);
});

test('a binding that is held back does not hold back others', () => {
  const bindings = [
    bindingOf('web/broad', 3, { models: ['gpt-*'] }),
    bindingOf('web/between', 2, { models: ['gpt-4o', 'o3'] }),
    bindingOf('web/narrow', 1, { models: ['o3'] }),
  ];
  assert.deepEqual(inForce(...bindings), ['broad', 'narrow']);
});

test('a binding that cannot be in force does not hold back others', () => {
  const idle: readonly ApiKeyBinding[] = [
    bindingOf('web/b', 2, { active: false }),
    bindingOf('web/b', 2, { expiresAt: '2026-01-31T23:59:59Z' }),
    bindingOf('web/b', 2, { secretKeyRef: { name: 'missing', key: 'api-key' } }),
    {
      ...bindingOf('web/b', 2),
      metadata: { ...bindingOf('web/b', 2).metadata, deletionTimestamp: '2026-02-01T00:00:00Z' },
    },
  ];
  for (const other of idle) {
    const binding = bindingOf('web/a', 1);
    assert.equal(rivalOf(among(binding, other), binding), undefined);
  }
  const withoutConsent = bindingOf('web/b', 2, { user: 'ada' });
  const binding = bindingOf('web/a', 1, { user: 'ada' });
  assert.equal(rivalOf(among(binding, withoutConsent), binding), undefined);
});

test('a binding is reconciled again when an older one expires, even if that one is held back itself', () => {
  const expiring = bindingOf('web/first', 3, { models: ['a'], expiresAt: '2026-02-01T00:00:10Z' });
  const between = bindingOf('web/between', 2, { models: ['a', 'b'] });
  const last = bindingOf('web/last', 1, { models: ['b'] });
  const cluster = among(expiring, between, last);
  assert.deepEqual(inForce(expiring, between, last), ['first', 'last']);
  for (const binding of [between, last]) {
    assert.equal(findCompetition(cluster, acme, binding, nowMs).nextExpiryMs, 10_000);
  }
  assert.equal(findCompetition(cluster, acme, expiring, nowMs).nextExpiryMs, undefined);
  // When it has expired, the one between has the last one in its way no more, but the other way round.
  const afterwards = nowMs + 10_000;
  assert.equal(findCompetition(cluster, acme, between, afterwards).rival, undefined);
  assert.equal(findCompetition(cluster, acme, last, afterwards).rival, between);
});
