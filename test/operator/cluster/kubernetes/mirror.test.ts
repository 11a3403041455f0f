import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMirror } from '../../../../operator/cluster/kubernetes/mirror.ts';
import type { Versioned } from '../../../../operator/cluster/kubernetes/reflector.ts';

interface Thing {
  readonly id: string;
  readonly text: string;
}

function open() {
  const told: string[] = [];
  const mirror = makeMirror<Thing>(({ id }) => id, {
    put: (id, { text }) => void told.push(`${id}=${text}`),
    remove: (id) => void told.push(`${id} gone`),
  });
  return { mirror, told };
}

const at = (version: string, text: string, id = 'a'): Versioned<Thing> => ({ object: { id, text }, version });

test('a written object is seen at once, is announced once, and is not undone by an older event', () => {
  const { mirror, told } = open();
  mirror.replace([at('8', 'listed')], '9');
  mirror.learn(at('12', 'written'));
  mirror.put(at('10', 'older'));
  mirror.reached('10');
  mirror.put(at('12', 'written'));
  mirror.reached('12');
  mirror.put(at('13', 'later'));
  assert.deepEqual(told, ['a=listed', 'a=written', 'a=later']);
});

test('an answer that is older than the watch changes nothing', () => {
  const { mirror, told } = open();
  mirror.replace([at('8', 'listed')], '9');
  mirror.remove(at('11', 'listed'));
  mirror.reached('11');
  mirror.learn(at('10', 'written'));
  assert.equal(mirror.get('a'), undefined);
  assert.deepEqual(told, ['a=listed', 'a gone']);
});

test('a list removes objects that it lacks, except those written after it', () => {
  const { mirror } = open();
  mirror.replace([at('8', 'listed'), at('8', 'other', 'b')], '9');
  mirror.learn(at('12', 'written', 'c'));
  mirror.replace([at('8', 'other', 'b')], '11');
  assert.deepEqual(
    mirror.all().map(({ object }) => object.id),
    ['b', 'c'],
  );
  mirror.replace([], '13');
  assert.deepEqual(mirror.all(), []);
});

test('versions of different lengths are compared as numbers', () => {
  const { mirror } = open();
  mirror.replace([at('9', 'listed')], '9');
  mirror.learn(at('10', 'written'));
  assert.equal(mirror.get('a')?.object.text, 'written');
});
