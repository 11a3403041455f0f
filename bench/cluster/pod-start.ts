import type { Figures } from '../benchmark.ts';
import { percentile } from './percentile.ts';
import type { PodCluster } from './pods.ts';
import { times } from './times.ts';

/**
 * Measures the time from the API server's answer to the creation of a pod until its application runs, alternately with
 * and without the sidecar.
 */
export async function measurePodStart(cluster: PodCluster, pairs: number): Promise<Figures> {
  const start = async (isGoverned: boolean, number: number) => {
    const name = `start-${isGoverned ? 'governed' : 'plain'}-${number}`;
    const command = ['node', '-e', 'console.log(JSON.stringify({ atMs: Date.now() })); setInterval(() => {}, 1 << 30)'];
    const createdAtMs = await cluster.createPod(name, { command, isGoverned });
    const lines = await cluster.follow(name);
    const { atMs } = await lines.next<{ readonly atMs: number }>(() => true);
    await lines.stop();
    await cluster.removePod(name);
    return atMs - createdAtMs;
  };
  const starts = await times(pairs, async (number) => {
    const first = await start(number % 2 === 0, number);
    const second = await start(number % 2 !== 0, number);
    return number % 2 === 0 ? { governedMs: first, plainMs: second } : { governedMs: second, plainMs: first };
  });
  return {
    pod_start_plain_p50_ms: percentile(
      starts.map(({ plainMs }) => plainMs),
      0.5,
    ),
    pod_start_governed_p50_ms: percentile(
      starts.map(({ governedMs }) => governedMs),
      0.5,
    ),
    pod_start_added_p50_ms: percentile(
      starts.map(({ governedMs, plainMs }) => governedMs - plainMs),
      0.5,
    ),
  };
}
