import { formatTable } from '../benchmark.ts';
import { readSamples } from './metrics-text.ts';

/** Numbers of answered requests by verb and resource: `PATCH personas/status`. */
export type RequestCounts = ReadonlyMap<string, number>;

/** The resources that the operator uses, without its Lease, which it renews all the time. */
const resources: ReadonlySet<string> = new Set([
  ...['organizations', 'personas', 'apikeybindings', 'analysisconfigs'],
  ...['secrets', 'configmaps', 'namespaces', 'events'],
]);

const writingVerbs: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE']);

/** Reads the API server's counts so far, for all clients. Watches count when they end. */
export function readRequestCounts(metrics: string): RequestCounts {
  const counts = new Map<string, number>();
  for (const { labels, value } of readSamples(metrics, ['apiserver_request_total'])) {
    const { verb = '', resource = '', subresource = '' } = labels;
    if (!resources.has(resource) || verb === 'WATCH') continue;
    const request = `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`}`;
    counts.set(request, (counts.get(request) ?? 0) + value);
  }
  return counts;
}

/** Counts the requests since `before`, without those of the benchmark itself (`own`). */
export function countSince(before: RequestCounts, after: RequestCounts, own: RequestCounts): RequestCounts {
  const since = [...after].map(([request, count]) => {
    return [request, count - (before.get(request) ?? 0) - (own.get(request) ?? 0)] as const;
  });
  return new Map(since.filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a));
}

export function sumOf(counts: RequestCounts): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

/** Counts the requests that change something. */
export function countWrites(counts: RequestCounts): number {
  return sumOf(new Map([...counts].filter(([request]) => writingVerbs.has(request.split(' ', 1)[0] ?? ''))));
}

/** Processor time of the API server since its start. */
export function readCpuSeconds(metrics: string): number {
  return readSamples(metrics, ['process_cpu_seconds_total'])[0]?.value ?? 0;
}

/** The operator's requests, one kind a line. */
export function tabulate(loaded: RequestCounts, restarted: RequestCounts): string {
  const requests = new Set([...loaded.keys(), ...restarted.keys()]);
  const rows = [...requests].map((request) => {
    return [request, String(loaded.get(request) ?? 0), String(restarted.get(request) ?? 0)];
  });
  return formatTable([["the operator's requests", 'creation', 'restart'], ...rows]);
}
