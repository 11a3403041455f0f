import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeIntents } from '../../../proxy/spool/intents.ts';
import type { Place } from '../../../proxy/spool/segments.ts';

const place = (segment: number, offset: number): Place => ({ segment, offset, length: 1 });

function open({ isFull = false } = {}) {
  const told: string[] = [];
  const intents = makeIntents(
    {
      move({ segment, offset, length }) {
        if (isFull) throw new RangeError('full');
        told.push(`move ${segment}/${offset}`);
        return { segment: 9, offset: offset + 100, length };
      },
      release: ({ segment, offset }) => void told.push(`release ${segment}/${offset}`),
    },
    (error) => told.push((error as Error).message),
  );
  return { intents, told };
}

test('the intent of an ended call is released, and an unknown call has none', () => {
  const { intents, told } = open();
  intents.add(1, place(1, 0));
  intents.end(1);
  intents.end(1);
  assert.deepEqual([told, intents.size], [['release 1/0'], 0]);
});

test('intents of older files move once to a newer one, and are released there', () => {
  const { intents, told } = open();
  intents.add(1, place(1, 0));
  intents.add(2, place(9, 0));
  intents.follow(9);
  intents.follow(9);
  assert.deepEqual(told, ['move 1/0']);
  intents.end(1);
  assert.deepEqual(told.slice(1), ['release 9/100']);
});

test('intents that cannot be moved stay where they are', () => {
  const { intents, told } = open({ isFull: true });
  intents.add(1, place(1, 0));
  intents.follow(9);
  intents.end(1);
  assert.deepEqual(told, ['full', 'release 1/0']);
});
