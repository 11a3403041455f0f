import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodMeta } from '../../../operator/injection/pod.ts';
import { workloadOf } from '../../../operator/injection/workload.ts';

describe('a pod is one of', () => {
  const owned = (kind: string, name: string): PodMeta => ({
    generateName: `${name}-`,
    ownerReferences: [{ apiVersion: 'v1', kind, name, uid: 'uid', controller: true }],
  });
  const rows: readonly [title: string, metadata: PodMeta, expected: string][] = [
    ['a Deployment', { ...owned('ReplicaSet', 'web-5d4f'), labels: { 'pod-template-hash': '5d4f' } }, 'web'],
    ['a ReplicaSet without Deployment', owned('ReplicaSet', 'web-5d4f'), 'web-5d4f'],
    ['a StatefulSet', owned('StatefulSet', 'queue'), 'queue'],
    ['a CronJob', owned('Job', 'report-29383200'), 'report'],
    ['a Job', owned('Job', 'migrate-2'), 'migrate-2'],
    ['itself', { name: 'shell' }, 'shell'],
    ['itself, to be named', { generateName: 'shell-' }, 'shell'],
  ];
  for (const [title, metadata, expected] of rows) {
    test(title, () => assert.equal(workloadOf({ metadata, spec: { containers: [] } }), expected));
  }
});
