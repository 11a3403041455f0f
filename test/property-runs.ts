/**
 * How often a slow property is tested: as often as stated, times CHAPERONE_PROPERTY_RUNS, for a longer search after a change
 * of what it is about.
 */
export function propertyRuns(runs: number): number {
  return runs * Math.max(1, Math.trunc(Number(process.env.CHAPERONE_PROPERTY_RUNS) || 1));
}
