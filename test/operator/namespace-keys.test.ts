import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvelopeError, generateDataKeys, makeEnvelope } from '../../database/envelope.ts';
import { completeMaster, deriveNamespaceKeys } from '../../operator/namespace-keys.ts';

const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';
const place = { organizationId, column: 'api_keys.key', rowId: 'row' };
const [first, second] = [generateDataKeys(), generateDataKeys()];
const both = { current: second.current, keys: { ...first.keys, ...second.keys } };
const master = completeMaster(undefined, first, 100);

const envelopeOf = (namespace: string, from = master, keys = first, organization = organizationId) =>
  makeEnvelope(deriveNamespaceKeys(from, keys, organization, namespace));

test('a namespace’s key opens the values that were sealed with it, whoever derives it', () => {
  const sealed = envelopeOf('shop').seal(place, 'sk-shop');
  assert.equal(envelopeOf('shop').open(place, sealed).toString(), 'sk-shop');
});

test('a value sealed for a namespace cannot be opened with another namespace’s key, another organization’s, or the data key', () => {
  const sealed = envelopeOf('shop').seal(place, 'sk-shop');
  const others = [
    envelopeOf('bank'),
    envelopeOf('shop', master, first, 'another'),
    envelopeOf('shop', completeMaster(undefined, first, 100)),
    makeEnvelope(first),
  ];
  for (const other of others) assert.throws(() => other.open(place, sealed), EnvelopeError);
});

test('keys rotate with the data keys: the new one seals, the former one still opens', () => {
  const turned = completeMaster(master, both, 200);
  assert.deepEqual(turned.issuedAtS, { [first.current]: 100, [second.current]: 200 });
  assert.equal(turned.keys[first.current], master.keys[first.current]);
  const sealed = envelopeOf('shop').seal(place, 'sk-shop');
  const later = envelopeOf('shop', turned, both);
  assert.equal(later.open(place, sealed).toString(), 'sk-shop');
  assert.ok(!later.isCurrent(sealed) && later.isCurrent(later.seal(place, 'sk-shop')));
});

test('a complete master key stays as it is', () => {
  assert.deepEqual(completeMaster(master, first, 300), master);
});
