import { pino } from 'pino';
import type { CustomKind } from '../../crds/definition.ts';
import { defaultTimings, startReflector } from '../../operator/cluster/kubernetes/reflector.ts';
import { type CustomApiObject, collectionPath, namespacedPath } from '../../operator/cluster/kubernetes/resources.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';
import type { BenchmarkContext } from '../benchmark.ts';

/** Watches the objects of a kind. */
export interface ReadinessWatch {
  /** The number of objects with the condition Ready. */
  count(): number;
}

export async function watchReadiness(
  client: ApiClient,
  kind: CustomKind,
  { onEnd }: BenchmarkContext,
  namespace?: string,
): Promise<ReadinessWatch> {
  const ready = new Set<string>();
  const note = ({ name, isReady }: Seen) => void (isReady ? ready.add(name) : ready.delete(name));
  const reflector = startReflector<CustomApiObject<CustomKind>, Seen>({
    name: kind,
    client,
    path: namespace === undefined ? collectionPath(kind) : namespacedPath(kind, namespace),
    decode: ({ metadata: { namespace = '', name }, status }) => ({
      name: `${namespace}/${name}`,
      isReady: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
    }),
    sink: {
      replace(objects) {
        ready.clear();
        for (const { object } of objects) note(object);
      },
      put: ({ object }) => note(object),
      remove: ({ object }) => void ready.delete(object.name),
      reached: () => {},
    },
    timings: defaultTimings,
    observer: { listed: () => {}, watched: () => {} },
    log: pino({ level: 'warn' }, pino.destination(2)),
  });
  onEnd(() => reflector.stop());
  await reflector.synced;
  return { count: () => ready.size };
}

interface Seen {
  readonly name: string;
  readonly isReady: boolean;
}
