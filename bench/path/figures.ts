import { type Figures, formatTable, round as roundOff } from '../benchmark.ts';
import type { Measured } from './load.ts';
import { medianOf, type Round, type Target, targets } from './rounds.ts';

/**
 * Computes the figures of all rounds, and a table. Ratios and differences are computed within a round, and then their
 * median.
 */
export function compare(rounds: readonly Round[]): { figures: Figures; table: string } {
  const of = (compute: (round: Round) => number) => roundOff(medianOf(rounds, compute));
  const perTarget = (name: (target: Target) => string, compute: (round: Round, target: Target) => number): Figures =>
    Object.fromEntries(targets.map((target) => [name(target), of((round) => compute(round, target))]));
  const ratios = rounds.map(({ throughput }) => throughput.governed.perSecond / throughput.bare.perSecond);

  const figures = {
    ...perTarget(
      (target) => `${target}_requests_per_s`,
      ({ throughput }, target) => throughput[target].perSecond,
    ),
    governed_to_bare_ratio: of(({ throughput: { governed, bare } }) => governed.perSecond / bare.perSecond),
    governed_to_bare_lowest_ratio: roundOff(Math.min(...ratios)),
    governed_to_bare_highest_ratio: roundOff(Math.max(...ratios)),
    ...perTarget(
      (target) => `${target}_p50_us`,
      ({ latency }, target) => latency[target].p50Us,
    ),
    ...perTarget(
      (target) => `${target}_p99_us`,
      ({ latency }, target) => latency[target].p99Us,
    ),
    bare_added_p50_us: of((round) => added(round, 'bare', 'p50Us')),
    bare_added_p99_us: of((round) => added(round, 'bare', 'p99Us')),
    added_p50_us: of((round) => added(round, 'governed', 'p50Us')),
    added_p99_us: of((round) => added(round, 'governed', 'p99Us')),
    added_p50_to_bare_ratio: of((round) => added(round, 'governed', 'p50Us') / added(round, 'bare', 'p50Us')),
    ...perTarget(
      (target) => `${target}_streams_per_s`,
      ({ streams }, target) => streams[target].perSecond,
    ),
    bare_cpu_us_per_call: of(({ throughput }) => throughput.bare.cpu.bare),
    proxy_cpu_us_per_call: of(({ throughput }) => throughput.governed.cpu.proxy),
    postgres_cpu_us_per_call: of(({ throughput }) => throughput.governed.cpu.postgres),
    bare_cpu_us_per_stream: of(({ streams }) => streams.bare.cpu.bare),
    proxy_cpu_us_per_stream: of(({ streams }) => streams.governed.cpu.proxy),
    postgres_cpu_us_per_stream: of(({ streams }) => streams.governed.cpu.postgres),
    governed_to_bare_streams_ratio: of(({ streams: { governed, bare } }) => governed.perSecond / bare.perSecond),
  };
  return { figures, table: tabulate(figures) };
}

/** Describes a round in one line. */
export function describe({ throughput, latency, streams }: Round): string {
  const each = (by: Round[keyof Round], read: (measured: Measured) => number) =>
    targets.map((target) => roundOff(read(by[target]))).join(' / ');
  return [
    `${each(throughput, ({ perSecond }) => perSecond)} requests/s`,
    `p50 ${each(latency, ({ p50Us }) => p50Us)} us`,
    `${each(streams, ({ perSecond }) => perSecond)} streams/s`,
  ].join(', ');
}

function added({ latency }: Round, target: Target, percentile: 'p50Us' | 'p99Us'): number {
  return latency[target][percentile] - latency.direct[percentile];
}

function tabulate(figures: Figures): string {
  const columns = ['requests_per_s', 'p50_us', 'p99_us', 'streams_per_s'] as const;
  const head = ['', 'requests/s (c=16)', 'p50 us (c=1)', 'p99 us (c=1)', 'streams/s (c=16)'];
  const rows = targets.map((target) => [target, ...columns.map((column) => String(figures[`${target}_${column}`]))]);
  return formatTable([head, ...rows]);
}
