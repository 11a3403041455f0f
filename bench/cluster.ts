import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import { type Benchmark, type BenchmarkContext, type Figures, type Reach, round } from './benchmark.ts';
import { tabulate } from './cluster/api-requests.ts';
import { startControlPlane } from './cluster/control-plane.ts';
import { startDatabase } from './cluster/database.ts';
import { measureEffect } from './cluster/effect.ts';
import { aftermathMs, measureApiServer, measureLoad, measureRestart, onlyPlace, type Stage } from './cluster/load.ts';
import type { Counts } from './cluster/objects.ts';
import { measurePodStart } from './cluster/pod-start.ts';
import { openPodCluster, siteOf } from './cluster/pods.ts';
import { openSiteHere } from './cluster/proxy-here.ts';

const reach: Reach = {
  all_ready_s: { max: 9 },
  operator_memory_mb: { max: 120 },
  restart_steady_s: { max: 3 },
  restart_api_writes: { max: 0 },
  effect_of_edit_p50_ms: { max: 50 },
  effect_of_edit_p99_ms: { max: 90 },
  effect_of_revocation_p50_ms: { max: 50 },
  effect_of_revocation_p99_ms: { max: 150 },
  effect_of_departure_p50_ms: { max: 50 },
  effect_of_departure_p99_ms: { max: 120 },
};

const podPairs = 10;

/**
 * Measures the operator on a real API server: many objects at once, a restart with them, and the time until a pod sees
 * a change.
 */
export const cluster: Benchmark = {
  async run(context) {
    const { personas, bindings, changes, profile, nodeOptions } = readOptions(context.args);
    const counts = { personas, bindings };
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    const [load = 0] = loadavg();

    note('Building, and starting etcd, an API server and PostgreSQL ...');
    await build();
    const controlPlane = await startControlPlane(directory, context);
    const database = await startDatabase(directory, context);
    const stage = { directory, controlPlane, database, profileDirectory: profile, nodeOptions };
    note(`Creating ${personas} Personas and ${bindings} ApiKeyBindings while no operator runs ...`);
    const alone = await measureApiServer(stage, counts);
    note('The same while the operator runs ...');
    const { operator, ...loaded } = await measureLoad(stage, counts, context);
    // Where there are pods, it is measured with them.
    const effect = process.env.KUBECONFIG === undefined ? await measureHere(stage, counts, changes, context) : {};
    // The last change is seen before all that it changes is written, which the restart would do.
    await delay(aftermathMs);
    await operator.stop();
    note('Restarting the operator ...');
    const { operator: successor, ...restarted } = await measureRestart(stage, counts, context);
    await successor.stop();
    const pods = await measureInPods(counts, changes, context);
    return {
      figures: { load_average: round(load), ...alone, ...loaded.figures, ...restarted.figures, ...effect, ...pods },
      reach,
      summary: `${personas} Personas and ${bindings} ApiKeyBindings.\n\n${tabulate(loaded.requests, restarted.requests)}`,
    };
  },
};

/** The time until a proxy on this machine shows a change. */
async function measureHere(
  { controlPlane, directory }: Stage,
  counts: Counts,
  changes: number,
  context: BenchmarkContext,
): Promise<Figures> {
  context.note(`${changes} edits, revocations and departures each, as a proxy on this machine sees them ...`);
  return measureEffect(
    await openSiteHere(controlPlane.client, directory, onlyPlace.namespace, context),
    counts,
    changes,
    context,
  );
}

/** Measures what needs pods. Undefined where KUBECONFIG names no cluster that runs them. */
async function measureInPods(counts: Counts, changes: number, context: BenchmarkContext): Promise<Figures | undefined> {
  const kubeConfigFile = process.env.KUBECONFIG;
  if (kubeConfigFile === undefined) {
    context.note('Left out: the start of pods, which needs a cluster that KUBECONFIG names and `npm run cluster:up`');
    context.note('has filled.');
    return undefined;
  }
  const podCluster = await openPodCluster(kubeConfigFile, context);
  context.note(`${changes} edits, revocations and departures each, with as many objects in a cluster with pods ...`);
  const effect = await measureEffect(siteOf(podCluster), counts, changes, context);
  context.note(`${podPairs} pods with the sidecar and as many without ...`);
  return { ...effect, ...(await measurePodStart(podCluster, podPairs)) };
}

interface Options extends Counts {
  readonly changes: number;
  readonly profile: string | undefined;
  readonly nodeOptions: readonly string[];
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      personas: { type: 'string', default: '1000' },
      bindings: { type: 'string', default: '200' },
      changes: { type: 'string', default: '100' },
      profile: { type: 'string' },
      'node-option': { type: 'string', multiple: true, default: [] },
    },
  });
  const count = (option: 'personas' | 'bindings' | 'changes') => {
    const number = Number(values[option]);
    if (!(Number.isInteger(number) && number > 0)) throw new Error(`--${option} takes a number`);
    return number;
  };
  return {
    personas: count('personas'),
    bindings: count('bindings'),
    changes: count('changes'),
    profile: values.profile,
    nodeOptions: values['node-option'],
  };
}
