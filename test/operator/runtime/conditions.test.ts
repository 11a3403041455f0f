import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition } from '../../../crds/object-meta.ts';
import { differs, isNews, toConditions, type Verdict } from '../../../operator/runtime/conditions.ts';

const before: Condition = {
  type: 'Ready',
  status: 'True',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  reason: 'Ready',
  message: 'It is in force.',
};
const now = new Date('2026-02-02T02:02:02.345Z');

function verdict(status: boolean, reason: string): Verdict {
  return { type: 'Ready', status, reason, message: `${reason}.` };
}

const transitions: readonly (readonly [string, Verdict, readonly Condition[] | undefined, string])[] = [
  ['a new condition', verdict(true, 'Ready'), undefined, '2026-02-02T02:02:02Z'],
  ['a condition beside others', verdict(true, 'Ready'), [{ ...before, type: 'Other' }], '2026-02-02T02:02:02Z'],
  ['another status', verdict(false, 'Missing'), [before], '2026-02-02T02:02:02Z'],
  ['the same status for another reason', verdict(true, 'Renewed'), [before], '2026-01-01T00:00:00Z'],
  ['a status that was unknown', verdict(true, 'Ready'), [{ ...before, status: 'Unknown' }], '2026-02-02T02:02:02Z'],
];
for (const [what, given, previous, since] of transitions) {
  test(`${what} has lastTransitionTime ${since}`, () => {
    assert.deepEqual(toConditions([given], previous, 7, now), [
      {
        type: 'Ready',
        status: given.status ? 'True' : 'False',
        observedGeneration: 7,
        lastTransitionTime: since,
        reason: given.reason,
        message: `${given.reason}.`,
      },
    ]);
  });
}

test('a status with the same text counts as unchanged', () => {
  const status = { id: 'x', conditions: [before] };
  assert.equal(differs(status, { conditions: [{ ...before }], id: 'x' }), false);
  assert.equal(differs(status, { ...status, contentHash: undefined }), false);
  assert.equal(differs(undefined, {}), false);
  assert.equal(differs(status, { ...status, id: 'y' }), true);
  assert.equal(differs(status, { id: 'x' }), true);
  const theirs = { ...before, type: 'Audited' };
  assert.equal(differs({ id: 'x', conditions: [theirs, before] }, status), false);
  assert.equal(differs({ id: 'x', conditions: [theirs] }, status), true);
});

test('another status or reason deserves an Event, another message does not', () => {
  assert.equal(isNews(undefined, verdict(true, 'Ready')), false, 'what is all right from the start is no news');
  assert.equal(isNews([], verdict(false, 'SecretNotFound')), true);
  assert.equal(isNews([before], verdict(true, 'Ready')), false);
  assert.equal(isNews([before], verdict(true, 'Renewed')), true);
  assert.equal(isNews([before], verdict(false, 'Ready')), true);
});
