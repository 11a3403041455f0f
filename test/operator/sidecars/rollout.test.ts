import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  asRollable,
  findHindrance,
  type RollableRef,
  type RollableWorkload,
  rolloutState,
} from '../../../operator/sidecars/rollout.ts';
import type { OutdatedWorkload } from '../../../operator/sidecars/survey.ts';

type Kind = RollableRef['kind'];

const complete: Readonly<Record<Kind, RollableWorkload['status']>> = {
  Deployment: { observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 3 },
  StatefulSet: { observedGeneration: 2, replicas: 3, updatedReplicas: 3, readyReplicas: 3 },
  DaemonSet: { observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 },
};

interface Change {
  readonly spec?: Partial<RollableWorkload['spec']>;
  readonly status?: RollableWorkload['status'];
  readonly deletionTimestamp?: string;
}

function workload(kind: Kind, { spec, status, ...metadata }: Change = {}): RollableWorkload {
  return {
    metadata: { name: 'web', resourceVersion: '1', generation: 2, ...metadata },
    spec: { replicas: 3, selector: { matchLabels: { app: 'web' } }, template: {}, ...spec },
    status: { ...complete[kind], ...status },
  };
}

describe('the state of a rollout', () => {
  const rows: readonly [title: string, kind: Kind, change: Change, expected: string][] = [
    ['of a Deployment that is as it should be', 'Deployment', {}, 'complete'],
    ['that the controller has not seen', 'Deployment', { status: { observedGeneration: 1 } }, 'underWay'],
    ['with pods still to update', 'Deployment', { status: { updatedReplicas: 2 } }, 'underWay'],
    ['with old pods still there', 'Deployment', { status: { replicas: 4 } }, 'underWay'],
    ['with pods that are not available', 'Deployment', { status: { availableReplicas: 2 } }, 'underWay'],
    [
      'that has been given up',
      'Deployment',
      { status: { availableReplicas: 2, conditions: [{ type: 'Progressing', status: 'False' }] } },
      'stuck',
    ],
    [
      'of a Deployment without pods',
      'Deployment',
      { spec: { replicas: 0 }, status: { replicas: 0, updatedReplicas: 0 } },
      'complete',
    ],
    ['of a StatefulSet that is as it should be', 'StatefulSet', {}, 'complete'],
    ['with pods still to update', 'StatefulSet', { status: { updatedReplicas: 1 } }, 'underWay'],
    ['with pods that are not ready', 'StatefulSet', { status: { readyReplicas: 2 } }, 'underWay'],
    ['of a DaemonSet that is as it should be', 'DaemonSet', {}, 'complete'],
    ['with nodes still to update', 'DaemonSet', { status: { updatedNumberScheduled: 2 } }, 'underWay'],
    ['with pods that are not available', 'DaemonSet', { status: { numberAvailable: 2 } }, 'underWay'],
  ];
  for (const [title, kind, change, expected] of rows) {
    test(`${title}: ${kind}`, () => assert.equal(rolloutState(kind, workload(kind, change)), expected));
  }
});

describe('a workload with outdated pods', () => {
  const outdated: OutdatedWorkload = {
    ...{ kind: 'Deployment', namespace: 'shop', name: 'web', pods: 1, hash: 'new', pod: 'web-1' },
    labels: { app: 'web' },
  };
  const rows: readonly [title: string, kind: Kind, change: Change, hindrance?: RegExp][] = [
    ['is rolled', 'Deployment', {}],
    ['is rolled', 'StatefulSet', {}],
    ['is rolled', 'DaemonSet', {}],
    ['is left alone while it is rolled out', 'Deployment', { status: { updatedReplicas: 1 } }, /rollout under way/],
    ['is left alone where it is paused', 'Deployment', { spec: { paused: true } }, /is paused/],
    ['is left alone on its way out', 'Deployment', { deletionTimestamp: '2026-01-01T00:00:00Z' }, /being deleted/],
    [
      'is left alone where it is updated on deletion',
      'DaemonSet',
      { spec: { updateStrategy: { type: 'OnDelete' } } },
      /OnDelete/,
    ],
    [
      'is left alone where only some of its pods would follow',
      'StatefulSet',
      { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } } },
      /partition/,
    ],
    [
      'is another, of which the name only was guessed',
      'Deployment',
      { spec: { selector: { matchLabels: { app: 'api' } } } },
      /by its labels/,
    ],
    [
      'is not rolled again where that has not helped',
      'Deployment',
      { spec: { template: { metadata: { annotations: { 'chaperone.dev/rolled-to': 'new' } } } } },
      /already/,
    ],
    [
      'is rolled again for other settings',
      'Deployment',
      { spec: { template: { metadata: { annotations: { 'chaperone.dev/rolled-to': 'old' } } } } },
    ],
  ];
  for (const [title, kind, change, hindrance] of rows) {
    test(`${title}: ${kind}`, () => {
      const found = findHindrance(kind, outdated, workload(kind, change));
      if (hindrance) assert.match(found ?? '', hindrance);
      else assert.equal(found, undefined);
    });
  }

  test('cannot be rolled where it is a Job, a pod, or of an unknown kind', () => {
    for (const kind of ['Job', 'CronJob', 'Pod', 'ReplicaSet', 'Rollout']) {
      assert.equal(asRollable({ ...outdated, kind }), undefined, kind);
    }
  });
});
