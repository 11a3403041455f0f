import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatheredSharing } from '../../../operator/organizations/gather.ts';
import { decideSharing } from '../../../operator/organizations/sharing.ts';
import { makeBinding, makeOrganization, makePersonaResource } from '../memory-cluster.ts';

const nowMs = Date.parse('2026-01-01T00:00:00Z');
const propagationMs = 300_000;

const upgraded: GatheredSharing = {
  sharesByDefault: true,
  outdatedSidecars: 0,
  keysIssuedAtS: nowMs / 1_000 - 300,
  objects: [
    makeBinding('platform/shared'),
    makeBinding('platform/alice', { user: 'alice' }),
    makePersonaResource('shop/support'),
    makeBinding('platform/bob', { user: 'bob' }),
  ],
};

function decide(sharing: Partial<GatheredSharing>, isStated: boolean) {
  const organization = makeOrganization('acme', isStated ? { sharing: [] } : {});
  return decideSharing(
    { organization, memberNamespaces: [], sharing: { ...upgraded, ...sharing } },
    nowMs,
    propagationMs,
  );
}

const summary = (...args: Parameters<typeof decide>) => {
  const { rules, verdict, requeueAfterMs } = decide(...args);
  return [rules, verdict.reason, verdict.status, requeueAfterMs];
};

test('a new organization has the rules of spec.sharing, whether it states any or not', () => {
  const declared = ['Declared', 'Declared', true, undefined];
  assert.deepEqual(summary({ sharesByDefault: false }, false), declared);
  assert.deepEqual(summary({ sharesByDefault: false, outdatedSidecars: 3 }, true), declared);
});

test('an older organization keeps its rules until it states others, and its condition lists the use of them', () => {
  assert.deepEqual(summary({}, false), ['Former', 'SharingUndeclared', false, undefined]);
  assert.match(
    decide({}, false).verdict.message,
    /spec\.sharing: \[\{namespace: platform, resources: \[ApiKeyBinding\], users: \["alice", "bob"\]\}, \{namespace: shop, resources: \[Persona\]\}\]\./,
  );
});

test('stated rules apply once sidecars and keys are ready, and then for good', () => {
  assert.deepEqual(summary({}, true), ['Declared', 'Declared', true, undefined]);
  assert.deepEqual(summary({ outdatedSidecars: 2 }, true), ['Former', 'WaitingForSidecars', false, undefined]);
  assert.match(decide({ outdatedSidecars: 2 }, true).verdict.message, /2 pods have an outdated sidecar/);
  const unlisted = ['Former', 'WaitingForSidecars', false, 5_000];
  assert.deepEqual(summary({ outdatedSidecars: 'unknown' }, true), unlisted);
  const fresh = { keysIssuedAtS: nowMs / 1_000 - 299 };
  assert.deepEqual(summary(fresh, true), ['Former', 'WaitingForKeys', false, 1_000]);
  assert.deepEqual(summary({ keysIssuedAtS: undefined }, true), ['Former', 'WaitingForKeys', false, 5_000]);
});

test('namespaces that share nothing, since they are not members, are named', () => {
  const entry = { namespace: 'lab', resources: ['Persona' as const] };
  const organization = makeOrganization('acme', { sharing: [entry, { ...entry, namespace: 'shop' }] });
  const gathered = { organization, memberNamespaces: ['shop'], sharing: { ...upgraded, sharesByDefault: false } };
  const { rules, verdict } = decideSharing(gathered, nowMs, propagationMs);
  assert.deepEqual([rules, verdict.status, verdict.reason], ['Declared', false, 'SharingNamespacesNotMembers']);
  assert.match(verdict.message, /nothing of theirs is shared: lab\./);
});

test('a condition names some namespaces and users, not hundreds', () => {
  const objects = Array.from({ length: 30 }, (_, index) => makeBinding(`web-${index + 10}/key`, { user: 'ada' }));
  const { message } = decide({ objects }, false).verdict;
  assert.match(message, /namespace: web-10, .*namespace: web-19, .*, \.\.\.\]\./);
  assert.ok(!message.includes('web-20'));
});
