import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { ConfigMap } from '../../../../operator/cluster/cluster.ts';
import { type ContentKey, makeReferences } from '../../../../operator/cluster/kubernetes/references.ts';
import { idOf } from '../../../../operator/cluster/object-key.ts';

const keyOf = (name: string): ContentKey => ({ kind: 'ConfigMap', namespace: 'docs', name });
const listed = (name: string, version: string, isWanted: boolean) => ({
  object: { namespace: 'docs', name, isWanted },
  version,
});

function open() {
  const reads: string[] = [];
  const cache = new Map<string, string>();
  const versions = new Map<string, string>();
  const references = makeReferences({
    async read({ namespace, name }) {
      reads.push(name);
      const version = versions.get(name);
      if (version === undefined) return undefined;
      const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data: {} };
      return { object: object as unknown as ConfigMap, version };
    },
    put: (key) => cache.set(idOf(key), versions.get(key.name) ?? ''),
    remove: (key) => cache.delete(idOf(key)),
    ...{ backoffMs: [1, 1], signal: new AbortController().signal, log: pino({ enabled: false }) },
  });
  return { reads, cache, versions, references, sink: references.sink('ConfigMap') };
}

test('the content of an object is read if it is wanted, and of no other', async () => {
  const { reads, cache, versions, references, sink } = open();
  versions.set('articles', '1').set('others', '1');
  sink.replace([listed('articles', '1', true), listed('others', '1', false)], '1');
  await references.settled();
  assert.deepEqual([reads, [...cache.keys()]], [['articles'], [idOf(keyOf('articles'))]]);
});

test('it is read again when it changes, and forgotten when it is no longer wanted or gone', async () => {
  const { cache, versions, references, sink } = open();
  const id = idOf(keyOf('articles'));
  versions.set('articles', '1');
  sink.put(listed('articles', '1', true));
  await references.settled();
  versions.set('articles', '2');
  sink.put(listed('articles', '2', true));
  await until(() => cache.get(id) === '2');
  sink.put(listed('articles', '3', false));
  assert.equal(cache.has(id), false);
  sink.put(listed('articles', '3', true));
  await references.settled();
  assert.equal(cache.has(id), true);
  sink.remove(listed('articles', '4', true));
  assert.equal(cache.has(id), false);
  sink.put(listed('articles', '5', true));
  await references.settled();
  // A list that lacks it.
  sink.replace([], '6');
  assert.equal(cache.has(id), false);
});

test('a resource that refers to it keeps it', async () => {
  const { cache, versions, references, sink } = open();
  const key = keyOf('articles');
  versions.set('articles', '1');
  sink.put(listed('articles', '1', true));
  await references.settled();
  const persona = { kind: 'Persona', namespace: 'docs', name: 'a' } as const;
  await references.state(persona, [key]);
  sink.put(listed('articles', '1', false));
  assert.equal(cache.has(idOf(key)), true);
  references.state(persona, []);
  assert.equal(cache.has(idOf(key)), false);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}
