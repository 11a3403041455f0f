import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pino } from 'pino';
import type { KeptRequest, ResourceRequest } from '../../../database/audit/requests.ts';
import { digestOfSpec, makeRequestKeeper, requestersOf } from '../../../operator/audit/requests.ts';

const log = pino({ level: 'silent' });
const spec = { content: 'text', users: ['ada', 'grace'] };
const object = { metadata: { uid: 'uid 1', generation: 3 }, spec };
const asked = {
  ...{ uid: 'review', kind: { group: 'chaperone.dev', kind: 'Persona' }, userInfo: { username: 'ada' } },
};

async function keptOf(request: object): Promise<ResourceRequest[]> {
  const kept: ResourceRequest[] = [];
  const keeper = makeRequestKeeper({ log, keep: async (one) => void kept.push(one) });
  assert.deepEqual(await keeper({ ...asked, operation: 'UPDATE', object, ...request }), { allowed: true });
  return kept;
}

describe('a request about a resource', () => {
  test('is kept with who asks and what for', async () => {
    const [update] = await keptOf({});
    const reordered = { users: ['ada', 'grace'], content: 'text' };
    assert.deepEqual(update, {
      ...{ uid: 'uid 1', operation: 'UPDATE', generation: 3, requester: 'ada' },
      digest: digestOfSpec(reordered),
    });
    const [removal] = await keptOf({ operation: 'DELETE', object: null, oldObject: object });
    assert.deepEqual(removal, {
      ...{ uid: 'uid 1', operation: 'DELETE', generation: 3, requester: 'ada' },
      digest: Buffer.alloc(0),
    });
  });

  const deleting = { ...object, metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  const unkept: Readonly<Record<string, object>> = {
    'that is a dry run': { dryRun: true },
    'about a subresource': { subResource: 'status' },
    'to delete what is being deleted': { operation: 'DELETE', object: null, oldObject: deleting },
    'without an object': { object: null },
    'of which nobody is the author': { userInfo: undefined },
    'of another kind': { operation: 'CONNECT' },
  };
  for (const [what, request] of Object.entries(unkept)) {
    test(`${what} is not kept`, async () => assert.deepEqual(await keptOf(request), []));
  }

  test('is let through where it cannot be kept', async () => {
    const keep = () => Promise.reject(new Error('no database'));
    const answer = await makeRequestKeeper({ log, keep })({ ...asked, operation: 'UPDATE', object });
    assert.deepEqual(answer, { allowed: true });
  });
});

describe('who asked for a change', () => {
  const request = (requester: string, rest: Partial<KeptRequest> = {}): KeptRequest => ({
    ...{ uid: 'uid 1', operation: 'UPDATE', generation: 3, digest: digestOfSpec(spec), requester },
    at: new Date('2026-01-01T00:00:00Z'),
    ...rest,
  });
  const change = { uid: 'uid 1', former: 1, seen: { generation: 3, spec } };
  const removed = { uid: 'uid 1', former: 3, seen: undefined };
  const removal = { operation: 'DELETE', digest: Buffer.alloc(0) } as const;
  const rows: readonly [string, Parameters<typeof requestersOf>[0], KeptRequest[], string[]][] = [
    ['asked for the spec that there is', change, [request('ada')], ['ada']],
    [
      'is not who asked for another spec, and failed',
      change,
      [request('ada'), request('mallory', { digest: digestOfSpec({ content: 'another' }) })],
      ['ada'],
    ],
    [
      'is everybody since the log was written',
      change,
      [request('old', { generation: 1 }), request('bob', { generation: 2, digest: digestOfSpec({}) }), request('ada')],
      ['bob', 'ada'],
    ],
    ['is not who will ask', change, [request('later', { generation: 4 })], []],
    ['is nobody of another resource', change, [request('ada', { uid: 'uid 2' })], []],
    ['is not who asked to delete it, and failed', change, [request('ada', removal)], []],
    ['is who asked last to delete it', removed, [request('refused', removal), request('ada', removal)], ['ada']],
    ['is not who changed what is deleted', removed, [request('ada')], []],
  ];
  for (const [title, what, requests, expected] of rows) {
    test(title, () => {
      const found = requestersOf(what, requests).map(({ user }) => (typeof user === 'string' ? user : user.$user));
      assert.deepEqual(found, expected);
    });
  }

  test('is named by a pseudonym, unless Kubernetes keeps the name for itself', () => {
    const users = ['ada', 'system:admin'].map((name) => requestersOf(change, [request(name)])[0]?.user);
    assert.deepEqual(users, [{ $user: 'ada' }, 'system:admin']);
  });
});
