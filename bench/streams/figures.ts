import { type Figures, formatTable, median, round as roundOff } from '../benchmark.ts';
import { type LoadName, loads, type Measured, type Measures, type Round, type Target, targets } from './rounds.ts';

/** @param restingBytes resident memory of a target before the first load of many streams */
export function compareStreams(
  rounds: readonly Round[],
  restingBytes: Readonly<Record<'bare' | 'governed', number>>,
): { figures: Figures; table: string } {
  const of = (compute: (round: Round) => number) => roundOff(median(rounds.map(compute)));
  const added = ({ many }: Round, target: Target) => many[target].p99Us - many.direct.p99Us;
  const streamKb = (target: 'bare' | 'governed') => {
    const peak = Math.max(...rounds.map(({ many }) => many[target].peakBytes));
    return roundOff((peak - restingBytes[target]) / loads.many.connections / 1e3);
  };
  const figures: Figures = {
    bare_cpu_us_per_delta: of(({ few }) => few.bare.cpuUsPerDelta),
    governed_cpu_us_per_delta: of(({ few }) => few.governed.cpuUsPerDelta),
    cpu_per_delta_to_bare_ratio: of(({ few }) => few.governed.cpuUsPerDelta / few.bare.cpuUsPerDelta),
    cpu_per_delta_to_bare_many_ratio: of(({ many }) => many.governed.cpuUsPerDelta / many.bare.cpuUsPerDelta),
    ...Object.fromEntries(
      targets.flatMap((target) => [
        [`${target}_p50_us`, of(({ many }) => many[target].p50Us)],
        [`${target}_p99_us`, of(({ many }) => many[target].p99Us)],
      ]),
    ),
    bare_added_p99_us: of((round) => added(round, 'bare')),
    added_p99_us: of((round) => added(round, 'governed')),
    added_p99_to_bare_ratio: of((round) => added(round, 'governed') / added(round, 'bare')),
    lost_streams: rounds.reduce((sum, { few, many }) => sum + few.governed.lost + many.governed.lost, 0),
    bare_memory_kb_per_stream: streamKb('bare'),
    memory_kb_per_stream: streamKb('governed'),
  };
  const rows = targets.map((target) => [
    target,
    ...(target === 'direct' ? ['', ''] : [of(({ few }) => few[target].cpuUsPerDelta), streamKb(target)]).map(String),
    String(figures[`${target}_p50_us`]),
    String(figures[`${target}_p99_us`]),
  ]);
  const head = ['', 'CPU us a delta (c=16)', 'KB a stream (c=500)', 'p50 us (c=500)', 'p99 us (c=500)'];
  return { figures, table: formatTable([head, ...rows]) };
}

/** Describes what a load has measured in one line. */
export function describeStreams(name: LoadName, measures: Measures): string {
  const each = (read: (measured: Measured) => number) =>
    targets.map((target) => roundOff(read(measures[target]))).join(' / ');
  const lost = `${measures.governed.lost} lost`;
  if (name === 'many') return `p99 ${each(({ p99Us }) => p99Us)} us, ${lost}`;
  const { bare, governed } = measures;
  return `${roundOff(bare.cpuUsPerDelta)} / ${roundOff(governed.cpuUsPerDelta)} us a delta (bare / governed), ${lost}`;
}
