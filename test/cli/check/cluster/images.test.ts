import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Finding, Unreadable } from '../../../../cli/check/check.ts';
import type { ImageAnswer } from '../../../../cli/check/cluster/facts.ts';
import { judgePull, toFullName } from '../../../../cli/check/cluster/images.ts';
import { preChecks } from '../../../../cli/check/cluster/pre-checks.ts';

const unread = new Unreadable('What else there is', 'nobody asks');

describe('images before an install', () => {
  const images = preChecks.checks.find(({ id }) => id === 'images');
  const others = {
    server: unread,
    expectedDefinitions: unread,
    definitions: unread,
    missingRights: unread,
    memberships: unread,
    memberPods: unread,
  };
  const image = 'registry.example.com/chaperone:0.1.0';
  const answers: readonly (readonly [title: string, ImageAnswer, Finding['status'], said: RegExp])[] = [
    ['on every node', { image, nodes: 2, present: 2 }, 'ok', /chaperone:0\.1\.0: on 2 of 2 nodes/],
    ['on some nodes', { image, nodes: 2, present: 1 }, 'warning', /It is unknown.*on 1 of 2 nodes.*--pull-images/],
    ['on none', { image, nodes: 1, present: 0 }, 'warning', /It is unknown.*on 0 of 1 node"/],
    ['without a node', { image, nodes: 0, present: 0 }, 'warning', /on 0 of 0 nodes/],
    ['pulled', { image, nodes: 2, present: 0, pull: 'pulled' }, 'ok', /a node has it/],
    ['refused', { image, nodes: 2, present: 2, pull: { reason: 'ErrImagePull: no' } }, 'failed', /: ErrImagePull: no/],
  ];
  for (const [title, answer, status, said] of answers) {
    test(title, () => {
      const finding = images?.decide({ ...others, images: [answer] });
      assert.equal(finding?.status, status);
      assert.match(JSON.stringify(finding), said);
    });
  }

  for (const [name, full] of [
    ['postgres:18.4', 'docker.io/library/postgres:18.4'],
    ['someone/postgres:18.4', 'docker.io/someone/postgres:18.4'],
    ['localhost/chaperone:1', 'localhost/chaperone:1'],
    ['registry:5000/chaperone:1', 'registry:5000/chaperone:1'],
  ] as const) {
    test(`nodes have ${name} as ${full}`, () => assert.equal(toFullName(name), full));
  }

  const waiting = (reason: string, message?: string) => ({
    containerStatuses: [{ state: { waiting: { reason, ...(message !== undefined && { message }) } } }],
  });
  for (const [title, status, judged] of [
    ['nothing yet', {}, undefined],
    ['being pulled', waiting('ContainerCreating'), undefined],
    ['refused', waiting('ErrImagePull', 'not found'), { reason: 'ErrImagePull: not found' }],
    ['given up', waiting('ImagePullBackOff'), { reason: 'ImagePullBackOff' }],
    ['no name', waiting('InvalidImageName'), { reason: 'InvalidImageName' }],
    ['pulled, and nothing to start', waiting('CreateContainerError'), 'pulled'],
    ['ended', { containerStatuses: [{ state: { terminated: {} } }] }, 'pulled'],
    [
      'no node',
      { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }] },
      { reason: '0/1 nodes are available' },
    ],
  ] as const) {
    test(`of a pod: ${title}`, () => assert.deepEqual(judgePull({ status }), judged));
  }
});
