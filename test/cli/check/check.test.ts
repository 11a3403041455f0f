import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  type CheckGroup,
  failed,
  judge,
  makeCheckFactory,
  ok,
  runChecks,
  Unreadable,
  warning,
} from '../../../cli/check/check.ts';
import { clusterGroups, namespaceGroups, preGroups } from '../../../cli/check/cluster/run.ts';
import { localChecks } from '../../../cli/check/local/checks.ts';
import { docsOf, render } from '../../../cli/check/output.ts';

interface Facts {
  readonly speed: number;
  readonly name: string;
}

const check = makeCheckFactory<Facts>();

const named = check({ id: 'named', description: 'it has a name', from: ['name'], decide: ({ name }) => ok(name) });
const slow = check({
  id: 'slow',
  description: 'it is slow',
  isFatal: true,
  from: ['speed'],
  decide: ({ speed }) => {
    if (speed < 5) return ok();
    const trouble = { items: Array.from({ length: 12 }, (_, index) => `wheel ${index}`), hint: 'Brake.' };
    return speed > 9 ? failed('It is too fast.', trouble) : warning('It is fast.', trouble);
  },
});
const groups: readonly CheckGroup<Facts>[] = [
  { name: 'first', checks: [named, slow] },
  { name: 'second', checks: [named] },
];

describe('a run of checks', () => {
  for (const [title, facts, statuses] of [
    ['all', { speed: 1, name: 'a' }, ['ok', 'ok', 'ok']],
    ['past a warning', { speed: 6, name: 'a' }, ['ok', 'warning', 'ok']],
    ['not past a fatal failure', { speed: 10, name: 'a' }, ['ok', 'failed']],
    [
      'with what cannot be read as failed',
      { speed: 1, name: new Unreadable('Names', 'why') },
      ['failed', 'ok', 'failed'],
    ],
    ['fatally unreadable', { speed: new Unreadable('Speeds', 'why'), name: 'a' }, ['ok', 'failed']],
  ] as const) {
    test(title, () => {
      const results = runChecks(groups, facts);
      const found = results.flatMap(({ checks }) => checks.map(({ finding }) => finding.status));
      assert.deepEqual(found, statuses);
      assert.equal(
        judge(results),
        (['failed', 'warning', 'ok'] as const).find((status) => found.includes(status)),
      );
    });
  }

  test('names what cannot be read, with the reason', () => {
    const finding = named.decide({ speed: 1, name: new Unreadable('Names', 'you may not') });
    assert.deepEqual(finding, {
      status: 'failed',
      message: 'Names cannot be read.',
      items: ['you may not'],
      hint: 'Get access to it, and check again.',
    });
  });
});

describe('the output', () => {
  const results = runChecks(groups, { speed: 6, name: 'a' });
  // Colours are for terminals; a stream that is none gets none.
  const stream = Object.create(process.stdout, { isTTY: { value: false } });

  test('table shows every check, and the first of many objects', () => {
    const text = render(results, 'table', stream);
    assert.equal(text.match(/√ it has a name \(a\)/g)?.length, 2);
    assert.match(text, / {4}- wheel 9\n {4}- and 2 more\n {4}hint: Brake\.\n {4}see docs\/kubernetes\.md#check-slow\n/);
    assert.match(text, /Status check results are ‼\n$/);
  });

  test('unknown facts take one line, and the verdict mentions them', () => {
    const name = new Unreadable('Names', 'why', { missingRight: 'list names in namespace shop' });
    const partly = runChecks(groups, { speed: 1, name });
    const text = render(partly, 'table', stream);
    assert.match(text, /\n\? it has a name \(not known: you may not list names in namespace shop\)\n/);
    assert.match(text, /Status check results are \?\n\(2 checks could not run; see the reasons above\)\n$/);
    const json = JSON.parse(render(partly, 'json', stream));
    assert.deepEqual([json.success, json.status], [true, 'unknown']);
  });

  test('short shows only problems', () => {
    const text = render(results, 'short', stream);
    assert.match(text, /^first\n-----\n‼ it is slow\n/);
    assert.doesNotMatch(text, /√/);
  });

  test('json shows everything', () => {
    const { success, status, groups: written } = JSON.parse(render(results, 'json', stream));
    assert.deepEqual([success, status], [true, 'warning']);
    assert.equal(written[0].checks[1].items.length, 12);
    assert.equal(written[0].checks[1].docs, docsOf('slow'));
    assert.deepEqual(written[1].checks, [{ id: 'named', description: 'it has a name', status: 'ok', message: 'a' }]);
  });
});

test('every check has a heading in the documentation, and every such heading a check', () => {
  const documented = readFileSync(join(import.meta.dirname, '../../../docs/kubernetes.md'), 'utf8');
  const headings = [...documented.matchAll(/^### check-(\S+)$/gm)].map(([, id]) => id);
  const all = [...preGroups, ...clusterGroups, ...namespaceGroups, localChecks].flatMap((group) =>
    group.checks.map(({ id }) => id),
  );
  assert.deepEqual(headings.toSorted(), [...new Set(all)].toSorted());
});
