import type { FairnessFinding, GroupFinding } from './judge.ts';

const mostNamed = 5;

/** What follows from the findings: what to look at, the gravest first, and of whom too little is known. */
export function recommend(findings: readonly FairnessFinding[], minGroupSize: number): string[] {
  const concerns = (['high', 'medium'] as const).flatMap((concern) =>
    findings.filter((finding) => finding.concern === concern),
  );
  const small = new Map<string, Set<string>>();
  for (const { attribute, groups } of findings) {
    const names = groups.filter(({ isTooSmall }) => isTooSmall).map(({ group }) => group);
    if (names.length > 0) small.set(attribute, new Set([...(small.get(attribute) ?? []), ...names]));
  }
  return [
    ...concerns.map(describeConcern),
    ...[...small].map(
      ([attribute, names]) =>
        `Collect more observations by ${attribute} of ${list([...names])}: with fewer than ${minGroupSize}, nothing can be said of them`,
    ),
  ];
}

function describeConcern({ attribute, outcome, groups, isShare, fourFifths }: FairnessFinding): string {
  const judged = groups.filter(({ isTooSmall }) => !isTooSmall);
  const [best] = judged;
  const mean = meanOf(judged);
  const lower = judged.filter(({ average, comparison }) => comparison?.isSignificant && average < mean);
  // Where only the best one differs from the rest, the lowest is named.
  const named = lower.length > 0 ? lower.toReversed() : judged.slice(-1);
  const figures = list(named.map(({ group, average }) => `${group} (${show(average, isShare)})`));
  const compared = best ? `, compared with ${best.group} (${show(best.average, isShare)})` : '';
  const rule = fourFifths === false ? ', which breaks the four-fifths rule' : '';
  return `Review why ${outcome} is lower by ${attribute} for ${figures}${compared}${rule}`;
}

function meanOf(groups: readonly GroupFinding[]): number {
  const size = groups.reduce((total, one) => total + one.size, 0);
  return groups.reduce((total, one) => total + one.average * one.size, 0) / size;
}

function show(average: number, isShare: boolean): string {
  return isShare ? `${(average * 100).toFixed(1)} %` : average.toPrecision(3);
}

function list(names: readonly string[]): string {
  const more = names.length - mostNamed;
  const shown = names.slice(0, mostNamed);
  if (more > 0) return `${shown.join(', ')} and ${more} more`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}` : (shown[0] ?? '');
}
