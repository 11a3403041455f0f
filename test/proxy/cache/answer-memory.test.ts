import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerMemory } from '../../../proxy/cache/answer-memory.ts';
import { joinPieces } from '../../../proxy/cache/kept-answer.ts';
import { HeldClock } from '../../held-clock.ts';

const answerOf = (bytes: number) => joinPieces('text/plain', [Buffer.alloc(bytes)]);

test('an answer is remembered until it is too old', () => {
  const clock = new HeldClock();
  const memory = new AnswerMemory(100_000, clock.read);
  memory.set('a', { answer: answerOf(1), ageMs: 400 });
  assert.equal(memory.get('a', 1_000)?.ageMs, 400);
  clock.advance(599);
  assert.equal(memory.get('a', 1_000)?.ageMs, 999);
  clock.advance(1);
  assert.equal(memory.get('a', 1_000), undefined);
  // A longer lifetime finds it again.
  assert.equal(memory.get('a', 2_000)?.ageMs, 1_000);
});

test('the answers that were used longest ago go first', () => {
  const memory = new AnswerMemory(10_000, () => 0);
  for (const name of ['a', 'b', 'c', 'd']) memory.set(name, { answer: answerOf(1_900), ageMs: 0 });
  memory.get('a', 1);
  memory.set('e', { answer: answerOf(1_900), ageMs: 0 });
  const names = ['a', 'b', 'c', 'd', 'e'].filter((name) => memory.get(name, 1));
  assert.deepEqual(names, ['a', 'c', 'd', 'e']);
  assert.ok(memory.bytes() <= 10_000);
});

test('an answer that takes much of the memory is not remembered', () => {
  const memory = new AnswerMemory(10_000, () => 0);
  memory.set('a', { answer: answerOf(5_000), ageMs: 0 });
  assert.equal(memory.get('a', 1), undefined);
  assert.equal(memory.bytes(), 0);
});
