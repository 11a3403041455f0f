import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { analyzeFairness } from '../../../../../proxy/governance/insights/fairness/analyze.ts';
import { cohensKappa } from '../../../../../proxy/governance/insights/review/kappa.ts';
import { CannotInstall, installPythonClients } from '../../../../clients/install.ts';
import { makeDirectory } from '../../../../directories.ts';
import { makeCaller } from '../../context.ts';

interface Reference {
  readonly attribute: string;
  readonly outcome: string;
  readonly ratio: number;
  readonly difference: number;
  readonly groups: Readonly<
    Record<
      string,
      {
        readonly average: number;
        readonly size: number;
        readonly selection_rate: number | null;
        readonly p: number;
        readonly corrected: number;
        readonly interval: readonly [number, number];
      }
    >
  >;
}

/** How two reviewers have decided. */
const tables = [
  { bothApprove: 20, bothReject: 15, onlyOne: 5, onlyOther: 10 },
  { bothApprove: 45, bothReject: 15, onlyOne: 25, onlyOther: 15 },
  { bothApprove: 3, bothReject: 2, onlyOne: 4, onlyOther: 7 },
  { bothApprove: 9, bothReject: 8, onlyOne: 2, onlyOther: 1 },
  { bothApprove: 812, bothReject: 97, onlyOne: 41, onlyOther: 50 },
];
const folder = join(import.meta.dirname, 'reference');
const alpha = 0.05;
const attributes = ['region', 'age_group'];
const outcomes = ['score', 'resolved', 'refunded'];

/** Rows that are the same each time; one region fares worse, and refunds are rare. */
function makeRows(count: number) {
  let state = 42;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const pick = (names: readonly string[]) => names[Math.floor(next() * names.length)] ?? '';
  return Array.from({ length: count }, () => {
    const region = pick(['north', 'south', 'east', 'west']);
    return {
      ...{ region, age_group: pick(['18-30', '31-45', '46-60', '60+']) },
      score: Math.round((region === 'east' ? 2.5 : 3.5) + next() * 2),
      resolved: next() < (region === 'east' ? 0.55 : 0.8),
      refunded: next() < 0.01,
    };
  });
}

test('every figure is that of Fairlearn, scipy and statsmodels', async (t) => {
  const PYTHONPATH = await installPythonClients(folder).catch((error: unknown) => {
    if (error instanceof CannotInstall) return error;
    throw error;
  });
  if (PYTHONPATH instanceof CannotInstall) return t.skip(PYTHONPATH.message);
  const rows = makeRows(800);
  const file = join(await makeDirectory(t), 'rows.json');
  const agreements = tables.map(({ bothApprove, bothReject, onlyOne, onlyOther }) => [
    [bothApprove, onlyOne],
    [onlyOther, bothReject],
  ]);
  await writeFile(file, JSON.stringify({ rows, attributes, outcomes, alpha, agreements }));
  const env = { ...process.env, PYTHONPATH };
  const { stdout } = await promisify(execFile)('python3', [join(folder, 'judge.py'), file], { env });
  const { findings: reference, kappas } = JSON.parse(stdout) as { findings: Reference[]; kappas: number[][] };
  for (const [at, table] of tables.entries()) {
    const { kappa, interval } = cohensKappa(table);
    const [expected, from = 0, to = 0] = kappas[at] ?? assert.fail();
    const what = JSON.stringify(table);
    near(kappa, expected ?? null, `${what}: kappa`);
    near(interval?.[0], Math.max(-1, from), `${what}: from`);
    near(interval?.[1], Math.min(1, to), `${what}: to`);
  }
  const question = { attributes, outcomes, intersections: false };
  const { findings } = await analyzeFairness(makeCaller(['analyst']), rows, question, { minGroupSize: 2, alpha });
  assert.equal(findings.length, reference.length);
  const methods = new Set<string>();
  for (const [at, finding] of findings.entries()) {
    const expected = reference[at] ?? assert.fail();
    const what = `${finding.outcome} by ${finding.attribute}`;
    assert.deepEqual([finding.attribute, finding.outcome], [expected.attribute, expected.outcome]);
    near(finding.ratio, expected.ratio, `${what}: ratio`);
    near(finding.difference, expected.difference, `${what}: difference`);
    assert.equal(finding.groups.length, Object.keys(expected.groups).length);
    for (const { group, average, size, interval, comparison } of finding.groups) {
      const one = expected.groups[group] ?? assert.fail(group);
      assert.equal(size, one.size);
      near(average, one.average, `${what}, ${group}: average`);
      if (finding.isShare) near(average, one.selection_rate, `${what}, ${group}: selection rate`);
      near(interval?.[0], one.interval[0], `${what}, ${group}: from`);
      near(interval?.[1], one.interval[1], `${what}, ${group}: to`);
      near(comparison?.p, one.p, `${what}, ${group}: p by ${comparison?.method}`);
      near(comparison?.corrected, one.corrected, `${what}, ${group}: corrected p`);
      methods.add(comparison?.method ?? '');
    }
  }
  assert.deepEqual([...methods].sort(), ['fisher', 'welch', 'z-test']);
});

function near(actual: number | null | undefined, expected: number | null, what: string): void {
  assert.ok(typeof actual === 'number' && typeof expected === 'number', what);
  assert.ok(
    Math.abs(actual - expected) <= 1e-9 * Math.max(1e-3, Math.abs(expected)),
    `${what}: ${actual}, ${expected}`,
  );
}
