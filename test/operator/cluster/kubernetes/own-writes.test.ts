import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Persona } from '../../../../crds/resources.generated.ts';
import { makeOwnWrites } from '../../../../operator/cluster/kubernetes/own-writes.ts';
import { keyOf, makeMeta, makePersonaResource, makeSecret } from '../../memory-cluster.ts';

const path = 'web/support';
const key = { kind: 'Persona', namespace: 'web', name: 'support' } as const;
const before: Persona = {
  ...makePersonaResource(path),
  metadata: makeMeta(path, { labels: { team: 'a' }, finalizers: ['example.com/other'] }),
  status: { id: 'old' },
};
const written = { id: 'new', contentHash: undefined };

const cases: readonly (readonly [what: string, change: (persona: Persona) => Persona, isOwn: boolean])[] = [
  ['the status that was written', (it) => ({ ...it, status: { id: 'new' } }), true],
  [
    'a finalizer of the operator',
    (it) => withMeta(it, { finalizers: ['example.com/other', 'chaperone.dev/row'] }),
    true,
  ],
  ['nothing that anybody states', (it) => it, true],
  ['a status of somebody else', (it) => ({ ...it, status: { id: 'theirs' } }), false],
  ['no status any more', ({ status: _, ...it }) => it, false],
  ['another generation', (it) => withMeta({ ...it, status: { id: 'new' } }, { generation: 2 }), false],
  ['another label', (it) => withMeta(it, { labels: { team: 'b' } }), false],
  ['an annotation', (it) => withMeta(it, { annotations: { note: 'x' } }), false],
  ['its deletion', (it) => withMeta(it, { deletionTimestamp: '2026-01-01T00:00:01Z' }), false],
  ['another object of the name', (it) => withMeta(it, { uid: 'another' }), false],
  ['a finalizer taken away', (it) => withMeta(it, { finalizers: [] }), false],
  [
    'a finalizer of somebody else',
    (it) => withMeta(it, { finalizers: ['example.com/other', 'example.com/new'] }),
    false,
  ],
];
for (const [what, change, isOwn] of cases) {
  test(`an object with ${what} ${isOwn ? 'counts as the operator’s own write' : 'counts as changed by others'}`, () => {
    const writes = makeOwnWrites();
    writes.status(key, written);
    assert.equal(writes.explain(before, change(before)), isOwn);
  });
}

test('the first finalizer and the first status of a new object are the operator’s', () => {
  const writes = makeOwnWrites();
  const fresh = { ...makePersonaResource(path), metadata: makeMeta(path) };
  const held = withMeta(fresh, { finalizers: ['chaperone.dev/row'] });
  assert.equal(writes.explain(fresh, held), true);
  writes.status(key, written);
  assert.equal(writes.explain(held, { ...held, status: { id: 'new' } }), true);
});

test('a status that came back counts as the operator’s once: it is not kept beside the object', () => {
  const writes = makeOwnWrites();
  writes.status(key, written);
  const echo = { ...before, status: { id: 'new' } };
  assert.equal(writes.explain(before, echo), true);
  assert.equal(writes.explain(echo, withMeta(echo, { finalizers: ['example.com/other', 'chaperone.dev/row'] })), true);
  assert.equal(writes.explain({ ...before, status: { id: 'theirs' } }, echo), false);
});

test('an unknown object counts as changed by others, and so does one that the operator has forgotten', () => {
  const writes = makeOwnWrites();
  writes.status(key, written);
  const after = { ...before, status: { id: 'new' } };
  assert.equal(writes.explain(undefined, after), false);
  writes.forget(key);
  assert.equal(writes.explain(before, after), false);
});

test('a Secret with the sent contents counts as the operator’s own write, new or not', () => {
  const writes = makeOwnWrites();
  const secret = makeSecret('web/key');
  assert.equal(writes.explain(undefined, secret), false);
  writes.secret({ ...keyOf('Secret', 'web/key'), kind: 'Secret' }, ({ data }) => Object.keys(data).length === 0);
  assert.equal(writes.explain(undefined, secret), true);
  assert.equal(writes.explain(secret, { ...secret, data: { surplus: Buffer.from('x') } }), false);
});

test('a change of a Namespace never counts as the operator’s own write', () => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: makeMeta('web') } as const;
  assert.equal(makeOwnWrites().explain(namespace, namespace), false);
});

function withMeta(persona: Persona, changes: Partial<Persona['metadata']>): Persona {
  return { ...persona, metadata: { ...persona.metadata, ...changes } };
}
