import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saidValues } from '../../../sandbox/tools/said-values.ts';

const cases: [said: string, values: string[]][] = [
  ["What's the weather in Paris?", ['Paris']],
  ['Fly from Berlin to New York on 2026-03-01.', ['Berlin', 'New York', '2026-03-01']],
  ['From Berlin, Rome, or San Francisco?', ['Berlin', 'Rome', 'San Francisco']],
  ['Where is order A-17? I paid $50.', ['A-17', '50']],
  ['Multiply 4 by -2.5', ['4', '-2.5']],
  ['Tell bob@example.com that "lunch is ready"', ['bob@example.com', 'lunch is ready']],
  ["Look up 'old town', not Bob's town", ['old town', 'Bob']],
  ['Open https://example.com/a/ now', ['https://example.com/a/']],
  ['city: "Rome"', ['Rome']],
  ['tell everyone that lunch is ready', []],
  ['', []],
];

for (const [said, values] of cases) {
  test(`says ${JSON.stringify(values)}: ${said}`, () => assert.deepEqual(saidValues(said), values));
}
