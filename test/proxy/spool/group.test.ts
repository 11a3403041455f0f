import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { frameEnd, readFrame } from '../../../proxy/spool/frame.ts';
import { makeGroup } from '../../../proxy/spool/group.ts';
import { openSpool } from '../../../proxy/spool/spool.ts';
import { atEnd } from '../../scope.ts';

const turn = () => new Promise(setImmediate);

/** A group over files that are only counted. */
function open({ room = 1_000_000, isFull = false } = {}) {
  const writes: string[][] = [];
  const group = makeGroup({
    room,
    append(bytes, frames) {
      if (isFull) throw new RangeError('full');
      const rows = readAll(bytes);
      assert.equal(rows.length, frames);
      writes.push(rows);
      return { segment: 3, offset: 100 };
    },
  });
  const told: unknown[] = [];
  const append = (row: string) =>
    group.append({ kind: 'intent', id: 1, row }, (place, error) => told.push(place ?? (error as Error).message));
  return { group, append, writes, told };
}

function readAll(bytes: Buffer): string[] {
  const rows: string[] = [];
  let offset = 0;
  for (let end = frameEnd(bytes, 0); end !== undefined; end = frameEnd(bytes, offset)) {
    rows.push(String(readFrame(bytes, offset, end)?.row));
    offset = end;
  }
  return rows;
}

test('the entries of one turn are written together, and each gets its place', async () => {
  const { append, writes, told } = open();
  append('a');
  append('é');
  assert.deepEqual([writes, told], [[], []]);
  await turn();
  assert.deepEqual(writes, [['a', 'é']]);
  assert.deepEqual(told, [
    { segment: 3, offset: 100, length: 20 },
    { segment: 3, offset: 120, length: 21 },
  ]);
  append('c');
  await turn();
  assert.deepEqual(writes.slice(1), [['c']]);
});

test('an urgent entry is written at once, with those before it', async () => {
  const { group, append, writes, told } = open();
  append('a');
  append('b');
  group.writeNow();
  assert.deepEqual([writes, told.length], [[['a', 'b']], 2]);
  await turn();
  assert.equal(writes.length, 1);
});

test('an entry that the callback of another appends is written with the next group', async () => {
  const { group, append, writes } = open();
  group.append({ kind: 'intent', id: 1, row: 'first' }, () => append('second'));
  group.writeNow();
  assert.deepEqual(writes, [['first']]);
  await turn();
  assert.deepEqual(writes.slice(1), [['second']]);
});

test('entries larger than the buffer are written whole', () => {
  const { group, append, writes } = open();
  const large = 'x'.repeat(300_000);
  append('a');
  append(large);
  append('b');
  group.writeNow();
  assert.deepEqual(writes, [['a', large, 'b']]);
});

test('all entries of a group that cannot be written get the error', async () => {
  const { append, told } = open({ isFull: true });
  append('a');
  append('b');
  await turn();
  assert.deepEqual(told, ['full', 'full']);
});

test('only the entry for which the files have no room is refused', async () => {
  const { append, writes } = open({ room: 45 });
  append('a');
  append('b');
  assert.throws(() => append('c'), { name: 'RangeError' });
  await turn();
  assert.deepEqual(writes, [['a', 'b']]);
});

test('a partial write refuses all of its entries, and leaves nothing of them', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-short-write-'));
  atEnd(t, () => rmSync(directory, { recursive: true, force: true }));
  const child = spawn(
    'sh',
    ['-c', 'ulimit -f 16 && exec "$0" "$@"', process.execPath, join(import.meta.dirname, 'short-writer.ts'), directory],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  const [first, second, third] = lines.map((line) => JSON.parse(line));
  assert.deepEqual(first, { refused: 0, codes: [] });
  assert.deepEqual(second, { refused: 40, codes: ['unwritable'] });
  assert.deepEqual(third, { refused: 0, codes: [] });
  const recovered: string[] = [];
  openSpool({ directory, onRecovered: ({ request_id }) => recovered.push(request_id) }).close();
  assert.deepEqual(recovered.sort(), ['req_after', 'req_before']);
});
