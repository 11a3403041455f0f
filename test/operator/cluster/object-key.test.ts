import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeKey, idOf, keyOf, pathOf, readPath } from '../../../operator/cluster/object-key.ts';

test('a path is the name, after the namespace where there is one', () => {
  assert.equal(pathOf({ namespace: 'default', name: 'support-agent' }), 'default/support-agent');
  assert.equal(pathOf({ namespace: '', name: 'acme' }), 'acme');
  assert.equal(pathOf({ name: 'acme' }), 'acme');
});

test('a path can be read back', () => {
  // https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
  const name = fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/);
  const place = fc.record({ namespace: fc.oneof(fc.constant(''), name), name });
  fc.assert(fc.property(place, (one) => assert.deepEqual(readPath(pathOf(one)), { ...one })));
});

test('the key of an object', () => {
  const metadata = { namespace: 'web', name: 'support' };
  assert.deepEqual(keyOf({ kind: 'Persona', metadata }), { kind: 'Persona', ...metadata });
  const acme = keyOf({ kind: 'Organization', metadata: { name: 'acme' } });
  assert.deepEqual(acme, { kind: 'Organization', namespace: '', name: 'acme' });
  assert.equal(describeKey(acme), 'Organization acme');
  assert.equal(describeKey(keyOf({ kind: 'Persona', metadata })), 'Persona web/support');
  assert.notEqual(idOf(keyOf({ kind: 'Persona', metadata })), idOf(keyOf({ kind: 'Secret', metadata })));
});
