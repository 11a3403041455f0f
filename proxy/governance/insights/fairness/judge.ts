import {
  type Comparison,
  compareMeans,
  compareShares,
  correctForMany,
  type Interval,
  meanInterval,
  wilsonInterval,
} from './compare.ts';
import { averageOf, join, type Moments, noMoments } from './moments.ts';
import type { GroupTally, Tally } from './tally.ts';

export interface FairnessTerms {
  /** Groups with fewer observations are shown, and never judged. */
  readonly minGroupSize: number;
  /** How often a difference may be called one that is none. */
  readonly alpha: number;
}

export interface GroupFinding {
  readonly group: string;
  readonly average: number;
  readonly size: number;
  readonly interval: Interval | undefined;
  readonly isTooSmall: boolean;
  /** With all other groups. Undefined: it is too small, or there are no others. */
  readonly comparison: (Comparison & { readonly corrected: number; readonly isSignificant: boolean }) | undefined;
}

export type Concern = 'low' | 'medium' | 'high' | 'insufficient_data';

export interface FairnessFinding {
  readonly attribute: string;
  readonly outcome: string;
  readonly isShare: boolean;
  /** By their averages, the highest first. */
  readonly groups: readonly GroupFinding[];
  /** Over all groups, however small: the lowest average over the highest, and their distance. Null: no ratio has a meaning. */
  readonly ratio: number | null;
  readonly difference: number | null;
  /** The ratio over the groups that are judged. */
  readonly disparity: number | null;
  /** Of a share: whether the lowest is at least four fifths of the highest. Null: it is no share, or cannot be judged. */
  readonly fourFifths: boolean | null;
  readonly concern: Concern;
  readonly missing: number;
}

/** The four-fifths rule (29 CFR 1607.4 D), and half of it. */
const bounds = { medium: 0.8, high: 0.5 } as const;

/** Judges each outcome by each attribute. One correction holds for all comparisons together. */
export function judgeTally(tally: Tally, outcomes: readonly string[], terms: FairnessTerms): FairnessFinding[] {
  const compared = tally.attributes.flatMap((groups) =>
    outcomes.map((outcome, at) => compareGroups(groups, outcome, at, tally.isShare[at] ?? false, terms)),
  );
  const probabilities = compared.flatMap(({ rows }) => rows.flatMap(({ comparison }) => comparison?.p ?? []));
  const corrected = correctForMany(probabilities)[Symbol.iterator]();
  return compared.map(({ rows, ...finding }) => {
    const groups = rows.map(({ comparison, ...row }): GroupFinding => {
      if (!comparison) return { ...row, comparison: undefined };
      const p = corrected.next().value ?? 1;
      return { ...row, comparison: { ...comparison, corrected: p, isSignificant: p < terms.alpha } };
    });
    return { ...finding, ...judgeGroups(groups, finding.isShare), groups };
  });
}

type ComparedRow = Omit<GroupFinding, 'comparison'> & { readonly comparison: Comparison | undefined };

function compareGroups(
  { attribute, groups, missing }: GroupTally,
  outcome: string,
  at: number,
  isShare: boolean,
  { minGroupSize, alpha }: FairnessTerms,
) {
  const observed = [...groups]
    .map(([group, outcomes]) => ({ group, moments: outcomes[at] ?? noMoments() }))
    .filter(({ moments }) => moments.count > 0)
    .toSorted((one, other) => averageOf(other.moments) - averageOf(one.moments) || (one.group < other.group ? -1 : 1));
  const rests = restsOf(observed.map(({ moments }) => moments));
  const rows = observed.map(({ group, moments }, place): ComparedRow => {
    const isTooSmall = moments.count < minGroupSize;
    const rest = rests[place] ?? noMoments();
    const compare = isShare ? compareShares : compareMeans;
    return {
      ...{ group, average: averageOf(moments), size: moments.count, isTooSmall },
      interval: isShare ? wilsonInterval(moments, alpha) : meanInterval(moments, alpha),
      comparison: isTooSmall ? undefined : compare(moments, rest),
    };
  });
  return { attribute, outcome, isShare, rows, missing };
}

/** For each, all others together: what is before it joined with what is after it. */
function restsOf(all: readonly Moments[]): Moments[] {
  const after: Moments[] = [noMoments()];
  for (const moments of all.toReversed()) after.push(join(after.at(-1) ?? noMoments(), moments));
  let before = noMoments();
  return all.map((moments, at) => {
    const rest = join(before, after[all.length - 1 - at] ?? noMoments());
    before = join(before, moments);
    return rest;
  });
}

function judgeGroups(groups: readonly GroupFinding[], isShare: boolean) {
  const { ratio, difference } = spreadOf(groups);
  const judged = groups.filter(({ isTooSmall }) => !isTooSmall);
  const { ratio: disparity, difference: distance } =
    judged.length < 2 ? { ratio: null, difference: null } : spreadOf(judged);
  const isSignificant = judged.some(({ comparison }) => comparison?.isSignificant);
  return {
    ...{ ratio, difference, disparity },
    fourFifths: isShare && disparity !== null ? disparity >= bounds.medium : null,
    concern: concernOf(distance, disparity, isSignificant),
  };
}

/** Of averages below zero, none is a part of another one. */
function spreadOf(groups: readonly GroupFinding[]) {
  const [highest, lowest] = [groups[0]?.average, groups.at(-1)?.average];
  if (highest === undefined || lowest === undefined) return { ratio: null, difference: null };
  const ratio = lowest < 0 ? null : highest === 0 ? 1 : lowest / highest;
  return { ratio, difference: highest - lowest };
}

/** A difference that chance may have made is no concern. Where there is no ratio, one that chance has not made is one. */
function concernOf(distance: number | null, disparity: number | null, isSignificant: boolean): Concern {
  if (distance === null) return 'insufficient_data';
  if (!isSignificant) return 'low';
  if (disparity === null) return 'medium';
  return disparity < bounds.high ? 'high' : disparity < bounds.medium ? 'medium' : 'low';
}
