import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodMeta } from '../../../operator/injection/pod.ts';
import { workloadKindOf, workloadOf } from '../../../operator/injection/workload.ts';

describe('a pod is one of', () => {
  const owned = (kind: string, name: string): PodMeta => ({
    generateName: `${name}-`,
    ownerReferences: [{ apiVersion: 'v1', kind, name, uid: 'uid', controller: true }],
  });
  const rows: readonly [title: string, metadata: PodMeta, expected: string][] = [
    ['a Deployment', { ...owned('ReplicaSet', 'web-5d4f'), labels: { 'pod-template-hash': '5d4f' } }, 'Deployment web'],
    ['a ReplicaSet without Deployment', owned('ReplicaSet', 'web-5d4f'), 'ReplicaSet web-5d4f'],
    ['a StatefulSet', owned('StatefulSet', 'queue'), 'StatefulSet queue'],
    ['a CronJob', owned('Job', 'report-29383200'), 'CronJob report'],
    ['a Job', owned('Job', 'migrate-2'), 'Job migrate-2'],
    ['itself', { name: 'shell' }, 'Pod shell'],
    ['itself, to be named', { generateName: 'shell-' }, 'Pod shell'],
  ];
  for (const [title, metadata, expected] of rows) {
    test(title, () => assert.equal([workloadKindOf(metadata), workloadOf(metadata)].join(' '), expected));
  }
});
