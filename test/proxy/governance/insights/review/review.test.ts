import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { diffTexts } from '../../../../../proxy/governance/insights/review/diff.ts';
import { estimateReviewTime } from '../../../../../proxy/governance/insights/review/estimate.ts';
import { cohensKappa, krippendorffsAlpha } from '../../../../../proxy/governance/insights/review/kappa.ts';
import { outcomeOf } from '../../../../../proxy/governance/insights/review/outcome.ts';

describe('the estimate of a review', () => {
  const hourMs = 3_600_000;
  for (const [says, history, seconds] of [
    ['the setting, without a history', { ahead: 9, waitS: null, gapS: null }, 3_600],
    ['how long others waited', { ahead: 0, waitS: 600, gapS: 60 }, 600],
    ['how many come before, where that takes longer', { ahead: 29, waitS: 600, gapS: 60 }, 1_800],
  ] as const) {
    it(`is ${says}`, () => {
      assert.equal(estimateReviewTime(0, history, hourMs).getTime(), seconds * 1_000);
    });
  }
});

describe('the outcome of decisions', () => {
  for (const [decisions, needed, outcome] of [
    [[], 1, undefined],
    [[true], 1, true],
    [[false], 1, false],
    [[true], 2, undefined],
    [[true, true], 2, true],
    [[false, false], 2, false],
    [[true, false], 2, undefined],
    [[true, false, false], 2, false],
    [[false, true, true], 2, true],
  ] as const) {
    it(`of ${JSON.stringify(decisions)}, where ${needed} must agree, is ${outcome}`, () => {
      assert.equal(outcomeOf(decisions, needed), outcome);
    });
  }
});

describe('the difference between texts', () => {
  it('is told by words', async () => {
    assert.deepEqual(await diffTexts('All loans are free.', 'Most loans are cheap.'), [
      { op: 'delete', text: 'All' },
      { op: 'insert', text: 'Most' },
      { op: 'equal', text: ' loans are ' },
      { op: 'delete', text: 'free' },
      { op: 'insert', text: 'cheap' },
      { op: 'equal', text: '.' },
    ]);
  });

  it('has both texts', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(text, text, async (before, after) => {
        const parts = await diffTexts(before, after);
        const without = (op: string) => parts.flatMap((part) => (part.op === op ? [] : [part.text])).join('');
        assert.equal(without('insert'), before);
        assert.equal(without('delete'), after);
      }),
    );
  });
});

describe('the agreement of reviewers', () => {
  // Figures of statsmodels 0.15.0: cohens_kappa([[yy, yn], [ny, nn]]). An interval ends at one.
  for (const [table, kappa, interval] of [
    [{ bothApprove: 20, bothReject: 15, onlyOne: 5, onlyOther: 10 }, 0.4, [0.151092, 0.648908]],
    [{ bothApprove: 45, bothReject: 15, onlyOne: 25, onlyOther: 15 }, 0.130435, [-0.062938, 0.323808]],
    [{ bothApprove: 0, bothReject: 0, onlyOne: 3, onlyOther: 3 }, -1, [-1, -1]],
    [{ bothApprove: 9, bothReject: 8, onlyOne: 2, onlyOther: 1 }, 0.7, [0.388588, 1]],
  ] as const) {
    it(`is ${kappa} of ${Object.values(table)}`, () => {
      const found = cohensKappa(table);
      assert.ok(Math.abs((found.kappa ?? 9) - kappa) < 5e-6, String(found.kappa));
      for (const at of [0, 1] as const) {
        assert.ok(Math.abs((found.interval?.[at] ?? 9) - interval[at]) < 5e-6, String(found.interval));
      }
    });
  }

  it('is unknown where both always decide the same', () => {
    for (const count of [1, 3, 7, 49]) {
      assert.equal(cohensKappa({ bothApprove: count, bothReject: 0, onlyOne: 0, onlyOther: 0 }).kappa, null);
      assert.equal(cohensKappa({ bothApprove: 0, bothReject: count, onlyOne: 0, onlyOther: 0 }).kappa, null);
    }
    assert.equal(cohensKappa({ bothApprove: 0, bothReject: 0, onlyOne: 0, onlyOther: 0 }).kappa, null);
  });

  it('over all reviewers is Krippendorff’s alpha', () => {
    // Krippendorff (2011), section B: ten items, two observers, binary data.
    const tables = [
      { bothApprove: 1, bothReject: 5, onlyOne: 1, onlyOther: 3 },
      { bothApprove: 0, bothReject: 0, onlyOne: 0, onlyOther: 0 },
    ];
    assert.ok(Math.abs((krippendorffsAlpha(tables) ?? 0) - 0.095) < 5e-4, String(krippendorffsAlpha(tables)));
    assert.equal(krippendorffsAlpha([{ bothApprove: 4, bothReject: 0, onlyOne: 0, onlyOther: 0 }]), null);
  });
});
