import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { analyzeFairness } from '../../../../../proxy/governance/insights/fairness/analyze.ts';
import { correctForMany } from '../../../../../proxy/governance/insights/fairness/compare.ts';
import { addTo, join, noMoments, varianceOf } from '../../../../../proxy/governance/insights/fairness/moments.ts';
import type { FairnessQuestion, Row } from '../../../../../proxy/governance/insights/fairness/tally.ts';
import { makeCaller } from '../../context.ts';

const analyst = makeCaller(['analyst']);
const terms = { minGroupSize: 30, alpha: 0.05 };
const question = { attributes: ['group'], outcomes: ['score'], intersections: false };
const rowsOf = (group: string, scores: readonly unknown[]): Row[] => scores.map((score) => ({ group, score }));
const many = (count: number, ones: number) => Array.from({ length: count }, (_, at) => at < ones);
const analyze = (rows: readonly Row[], asked: Partial<FairnessQuestion> = {}) =>
  analyzeFairness(analyst, rows, { ...question, ...asked }, terms);
const only = async (rows: readonly Row[]) => (await analyze(rows)).findings[0] ?? assert.fail();

describe('a fairness analysis', () => {
  it('judges shares by the four-fifths rule and by chance', async () => {
    const found = await only([...rowsOf('a', many(100, 80)), ...rowsOf('b', many(100, 50))]);
    assert.deepEqual([found.disparity, found.fourFifths, found.concern], [0.625, false, 'medium']);
    assert.deepEqual(
      found.groups.map(({ group, average, size }) => [group, average, size]),
      [
        ['a', 0.8, 100],
        ['b', 0.5, 100],
      ],
    );
    assert.equal((await only([...rowsOf('a', many(100, 80)), ...rowsOf('b', many(100, 20))])).concern, 'high');
    const same = await only([...rowsOf('a', many(100, 80)), ...rowsOf('b', many(100, 78))]);
    assert.deepEqual([same.concern, same.fourFifths], ['low', true]);
  });

  it('calls nothing a concern that chance may have made', async () => {
    const found = await only([...rowsOf('a', many(32, 16)), ...rowsOf('b', many(32, 12))]);
    assert.deepEqual([found.disparity, found.fourFifths, found.concern], [0.75, false, 'low']);
  });

  it('shows small groups, and never judges them', async () => {
    const rows = [...rowsOf('a', many(100, 80)), ...rowsOf('b', many(100, 79)), ...rowsOf('c', many(3, 0))];
    const report = await analyze(rows);
    const [found] = report.findings;
    const small = found?.groups.find(({ group }) => group === 'c');
    assert.deepEqual([small?.isTooSmall, small?.comparison, small?.average], [true, undefined, 0]);
    assert.deepEqual([found?.ratio, found?.concern], [0, 'low']);
    assert.ok((found?.disparity ?? 0) > 0.98);
    assert.match(report.recommendations.join(), /Collect more observations by group of c/);
  });

  it('says so where too little is known', async () => {
    const report = await analyze([...rowsOf('a', [4]), ...rowsOf('b', [5])]);
    assert.deepEqual(
      [report.score, report.findings[0]?.concern, report.findings[0]?.disparity],
      [null, 'insufficient_data', null],
    );
    assert.equal(report.findings[0]?.ratio, 0.8);
  });

  it('recommends what follows from the findings', async () => {
    const scores = (mean: number) => Array.from({ length: 60 }, (_, at) => mean + (at % 3) - 1);
    const rows = [...rowsOf('18-30', scores(4.5)), ...rowsOf('31-45', scores(4.4)), ...rowsOf('60+', scores(2))];
    const report = await analyze(rows);
    assert.equal(report.findings[0]?.concern, 'high');
    assert.deepEqual(report.recommendations, [
      'Review why score is lower by group for 60+ (2.00), compared with 18-30 (4.50)',
    ]);
  });

  it('compares intersections where it is asked to', async () => {
    const rows = ['f', 'm'].flatMap((gender) =>
      ['young', 'old'].flatMap((age) =>
        many(50, gender === 'f' && age === 'old' ? 10 : 40).map((resolved) => ({ gender, age, resolved })),
      ),
    );
    const asked = { attributes: ['gender', 'age'], outcomes: ['resolved'] };
    assert.equal((await analyze(rows, asked)).findings.length, 2);
    const { findings } = await analyze(rows, { ...asked, intersections: true });
    assert.deepEqual(findings[2]?.attribute, 'gender & age');
    assert.deepEqual(findings[2]?.groups.at(-1)?.group, 'f & old');
    assert.equal(findings[2]?.concern, 'high');
  });

  it('tells rows without an attribute, leaves out outcomes that are not there, and reads text as CSV has it', async () => {
    const rows = [{ group: 'a', score: '1' }, { group: 'a', score: 'TRUE' }, { group: 'a', score: '' }, { score: '0' }];
    const found = await only(rows);
    assert.deepEqual([found.missing, found.groups[0]?.size, found.isShare], [1, 2, true]);
  });

  it('has no ratio of averages below zero', async () => {
    const found = await only([...rowsOf('a', [-1, -2]), ...rowsOf('b', [3, 4])]);
    assert.deepEqual([found.ratio, found.difference], [null, 5]);
  });

  const wrong: readonly (readonly [
    what: string,
    rows: readonly Row[],
    asked: Partial<FairnessQuestion>,
    message: RegExp,
  ])[] = [
    ['no rows', [], {}, /at least one row/],
    ['an unknown attribute', rowsOf('a', [1]), { attributes: ['x'] }, /attributes names x, which no row has/],
    ['an unknown outcome', rowsOf('a', [1]), { outcomes: ['x'] }, /outcome_columns names x, which no row has/],
    ['an outcome that is a word', rowsOf('a', [1, 'good']), {}, /data\[1\]\.score must be a number, true or false/],
    ['a group that is an object', [{ group: {}, score: 1 }], {}, /data\[0\]\.group must be a string/],
    [
      'a name for a group',
      Array.from({ length: 1_001 }, (_, at) => ({ group: at, score: 1 })),
      {},
      /more than 1000 values/,
    ],
  ];
  for (const [what, rows, asked, message] of wrong) {
    it(`refuses ${what}`, () => assert.rejects(analyze(rows, asked), { code: 'invalid_request', message }));
  }

  it('is for analysts', () =>
    assert.rejects(analyzeFairness(makeCaller(['reviewer']), [], question, terms), { code: 'role_required' }));
});

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });

it('moments are those of all numbers, in whatever parts they come', () => {
  const momentsOf = (all: readonly number[]) => {
    const moments = noMoments();
    for (const one of all) addTo(moments, one);
    return moments;
  };
  fc.assert(
    fc.property(numbers, numbers, (one, other) => {
      const all = [...one, ...other];
      const joined = join(momentsOf(one), momentsOf(other));
      const mean = all.reduce((total, value) => total + value, 0) / all.length;
      const variance = all.reduce((total, value) => total + (value - mean) ** 2, 0) / (all.length - 1);
      const tolerance = 1e-9 * Math.max(1, ...all.map(Math.abs));
      assert.ok(Math.abs(joined.mean - mean) <= tolerance);
      assert.ok(Math.abs(varianceOf(joined) - variance) <= 1e-9 * Math.max(1, ...all.map((value) => value * value)));
    }),
  );
});

it('a correction never makes a comparison surer, and keeps the order', () => {
  assert.deepEqual(correctForMany([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (probabilities) => {
      const corrected = correctForMany(probabilities);
      for (const [at, p] of probabilities.entries()) {
        assert.ok((corrected[at] ?? 0) >= p && (corrected[at] ?? 2) <= 1);
        for (const [other, q] of probabilities.entries()) {
          if (p < q) assert.ok((corrected[at] ?? 0) <= (corrected[other] ?? 0));
        }
      }
    }),
  );
});
