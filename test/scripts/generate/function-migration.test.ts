import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Migration, planMigrations, withoutCopies } from '../../../scripts/generate/function-migration.ts';

const marker = '-- Copied from database/functions by `npm run generate`: edit those.\n';
const copies = `${marker}\nselect 2;\n`;

describe('copies of functions go into', () => {
  const cases: readonly (readonly [where: string, plan: Parameters<typeof planMigrations>, Migration[]])[] = [
    [
      'a new migration, where the newest is committed',
      ['000009.sql', 'select 1;\n', false, copies],
      [{ file: '000010.sql', text: copies }],
    ],
    [
      'the newest migration, below what is written by hand',
      ['000009.sql', 'select 1;\n', true, copies],
      [{ file: '000009.sql', text: `select 1;\n\n${copies}` }],
    ],
    [
      'the newest migration, which has nothing else',
      ['000009.sql', '', true, copies],
      [{ file: '000009.sql', text: copies }],
    ],
    ['no migration, where nothing differs', ['000009.sql', 'select 1;\n', false, ''], []],
    [
      'no migration any more, where nothing differs any more',
      ['000009.sql', 'select 1;\n', true, ''],
      [{ file: '000009.sql', text: 'select 1;\n' }],
    ],
    ['no file any more, where it had nothing else', ['000009.sql', '', true, ''], [{ file: '000009.sql', text: '' }]],
  ];
  for (const [where, plan, expected] of cases) {
    test(where, () => assert.deepEqual(planMigrations(...plan), expected));
  }
});

test('earlier copies are told from migrations that are written by hand', () => {
  for (const kept of ['', 'select 1;\n']) {
    assert.equal(withoutCopies(kept), kept);
    for (const { text } of planMigrations('000009.sql', kept, true, copies)) assert.equal(withoutCopies(text), kept);
  }
});
