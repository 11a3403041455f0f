import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listOwn, type ReadPage } from '../../../../proxy/calls/resources/list.ts';

const owned = (id: string, key: string) => ({
  resource_id: id,
  kind: 'file' as const,
  user_id: 'ada',
  api_key_id: key,
  created_at: '2026-01-01T00:00:00.000Z',
  deleted_at: null,
});

/** A provider that shows so many at a time. */
function makeProvider(stored: Readonly<Record<string, readonly string[]>>, pageSize: number): ReadPage {
  return async (key, after) => {
    const ids = stored[key] ?? [];
    const start = after === undefined ? 0 : ids.indexOf(after) + 1;
    const data = ids.slice(start, start + pageSize).map((id) => ({ id }));
    return { data, has_more: start + data.length < ids.length };
  };
}

test('a list shows the caller’s own entries, each once and in order, across pages that contain others’', async () => {
  const things = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), isOwn: fc.boolean() }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(
      things,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 5 }),
      async (drawn, size, limit) => {
        const all = drawn.map(({ key, isOwn }, index) => ({ key, isOwn, id: `file-${index}` }));
        const of = (key: string) => all.filter((thing) => thing.key === key);
        const provider = makeProvider({ a: of('a').map(({ id }) => id), b: of('b').map(({ id }) => id) }, size);
        const own = all.filter(({ isOwn }) => isOwn);
        const resources = own.map(({ id, key }) => owned(id, key));
        const seen: unknown[] = [];
        for (let after: string | undefined; ; ) {
          const page = await listOwn(resources, { limit, after }, provider);
          assert.ok(page.data.length <= limit);
          assert.equal(page.last_id, page.data.at(-1)?.id ?? null);
          seen.push(...page.data.map(({ id }) => id));
          if (!page.has_more) break;
          after = page.last_id ?? undefined;
        }
        assert.deepEqual(
          seen,
          [...of('a'), ...of('b')].filter(({ isOwn }) => isOwn).map(({ id }) => id),
        );
      },
    ),
  );
});

test('a list asks no provider where the caller owns nothing, and refuses another user’s entry as a start', async () => {
  const provider = () => assert.fail('it was asked');
  const list = { object: 'list', data: [], first_id: null, last_id: null, has_more: false };
  assert.deepEqual(await listOwn([], { limit: 5, after: undefined }, provider), list);
  await assert.rejects(listOwn([], { limit: 5, after: 'file-1' }, provider), { code: 'resource_not_found' });
});

test('a list ends with an error where the provider’s list does not end', async () => {
  const provider: ReadPage = async () => ({ data: [{ id: 'file-other' }], has_more: true });
  const listing = listOwn([owned('file-1', 'a')], { limit: 5, after: undefined }, provider);
  await assert.rejects(listing, { code: 'upstream_invalid_response' });
});
