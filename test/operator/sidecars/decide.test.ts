import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decideSidecars, type GatheredSidecars } from '../../../operator/sidecars/decide.ts';
import type { RollableRef } from '../../../operator/sidecars/rollout.ts';
import type { OutdatedWorkload } from '../../../operator/sidecars/survey.ts';

const ref: RollableRef = { kind: 'Deployment', namespace: 'shop', name: 'web' };
const web: OutdatedWorkload = { ...ref, pods: 3, hash: 'new', pod: 'web-1', labels: {} };
const candidate = {
  ref,
  hash: 'new',
  workload: { metadata: { name: 'web', resourceVersion: '1' }, spec: { selector: {}, template: {} } },
};
const settled: GatheredSidecars = {
  survey: { pods: new Map(), outdated: [web] },
  ...{ rolls: true, unfinished: undefined, candidate: undefined, inadmissible: [], isForbidden: false },
  ...{ hindrances: [], pauseMs: 0 },
};

describe('sidecars', () => {
  const rows: readonly [
    title: string,
    change: Partial<GatheredSidecars>,
    reason: string,
    message: RegExp,
    rolls: boolean,
    rolling: RollableRef | undefined,
  ][] = [
    ['are current', { survey: { pods: new Map(), outdated: [] } }, 'Current', /that new pods get/, false, undefined],
    [
      'are reported',
      { rolls: false },
      'Outdated',
      /3, of Deployment shop\/web \(3\)\. To bring them up to date: kubectl rollout restart/,
      false,
      undefined,
    ],
    [
      'would be refused',
      { inadmissible: [{ workload: web, why: 'The pod sets spec.hostPID; remove it.' }] },
      'Inadmissible',
      /change the templates.*Deployment shop\/web: The pod sets spec\.hostPID; remove it\. Pods with an outdated sidecar/,
      false,
      undefined,
    ],
    ['are rolled', { candidate }, 'Rolling', /^Deployment shop\/web is being rolled/, true, ref],
    [
      'wait for what is rolled',
      { candidate, unfinished: { ref, isStuck: false } },
      'Rolling',
      /is being rolled/,
      false,
      ref,
    ],
    [
      'wait for what does not come up',
      { candidate, unfinished: { ref, isStuck: true } },
      'RolloutStuck',
      /describe deployment web/,
      false,
      ref,
    ],
    [
      'are not declared current while the last of them is rolled',
      { survey: { pods: new Map(), outdated: [] }, unfinished: { ref, isStuck: false } },
      'Rolling',
      /No pod has an outdated sidecar any more/,
      false,
      ref,
    ],
    [
      'cannot be rolled',
      { hindrances: [{ workload: web, why: 'is paused' }] },
      'Outdated',
      /None is rolled now: Deployment shop\/web is paused\.$/,
      false,
      undefined,
    ],
    ['wait for the operator', { pauseMs: 30_000 }, 'Outdated', /has led for a minute/, false, undefined],
    [
      'may not be rolled',
      { candidate, isForbidden: true },
      'RolloutForbidden',
      /operator\.rollsWorkloads/,
      false,
      undefined,
    ],
  ];
  for (const [title, change, reason, message, rolls, rolling] of rows) {
    test(title, () => {
      const { verdict, roll, status } = decideSidecars({ ...settled, ...change });
      assert.equal(verdict.reason, reason);
      assert.equal(verdict.status, reason === 'Current');
      assert.match(verdict.message, message);
      assert.equal(roll !== undefined, rolls);
      assert.deepEqual(status.rolling, rolling);
    });
  }

  test('are counted, and ten workloads named', () => {
    const outdated = Array.from({ length: 12 }, (_, index) => ({ ...web, name: `web-${index}` }));
    const { verdict, status } = decideSidecars({ ...settled, rolls: false, survey: { pods: new Map(), outdated } });
    assert.equal(status.outdatedSidecars, 36);
    assert.match(verdict.message, /web-9 \(3\) and 2 more\./);
  });
});
