import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinSealed } from '../../../database/contents.ts';
import { readFormerLine } from '../../../proxy/spool/former-line.ts';

const none = Buffer.alloc(0);
/** A client can write such text into its ids. */
const tricky = ',"input_sealed":"eA==","output_sealed":null';
const before = { request_id: 'req_1', session_id: tricky };
const after = { client_name: 'x' };
const line = (head: string, input: string | null, output: string | null) =>
  `${head} ${JSON.stringify({ ...before, input_sealed: input, output_sealed: output, ...after })}`;
const row = JSON.stringify({ ...before, ...after });
const [input, output] = [Buffer.from('in'), Buffer.from('out')];

/** Lines as an earlier version wrote them, and what is read. */
const table: readonly [name: string, text: string, entry: object | undefined][] = [
  ['an intent', line('I 7', null, null), { kind: 'intent', id: 7, row, sealed: none }],
  [
    'a settlement with contents',
    line('S 8', 'aW4=', 'b3V0'),
    { kind: 'settlement', id: 8, row, sealed: joinSealed(input, output) },
  ],
  [
    'a settlement without an answer',
    line('S 9', 'aW4=', null),
    { kind: 'settlement', id: 9, row, sealed: joinSealed(input, undefined) },
  ],
  [
    'a settlement whose input was too large',
    line('S 9', null, 'b3V0'),
    { kind: 'settlement', id: 9, row, sealed: none },
  ],
  ['a settlement without contents', line('S 9', null, null), { kind: 'settlement', id: 9, row, sealed: none }],
  [
    'a pending call, which keeps its input',
    line('P 10', 'aW4=', null),
    { kind: 'deferral', id: 10, row: line('P 10', 'aW4=', null).slice(5), sealed: none },
  ],
  [
    'a late settlement',
    line('F 11', 'aW4=', 'b3V0'),
    { kind: 'late settlement', id: 11, row, sealed: joinSealed(input, output) },
  ],
  ['a rating', 'R 12 {"rating":1}', { kind: 'rating', id: 12, row: '{"rating":1}', sealed: none }],
  ['an owner', 'O 13 {"kind":"file"}', { kind: 'ownership', id: 13, row: '{"kind":"file"}', sealed: none }],
  ['arrivals', 'A 7,8 ', { kind: 'arrival', id: 0, row: '7,8', sealed: none }],
  ['a line that no version wrote', 'X 1 {}', undefined],
  ['half a line', 'S 1', undefined],
];

for (const [name, text, expected] of table) {
  test(`${name} of an earlier version is read`, () => {
    const entry = readFormerLine(text);
    assert.deepEqual(entry && { ...entry, row: String(entry.row) }, expected);
  });
}
