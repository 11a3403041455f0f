import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import { type Benchmark, formatTable, type Reach, round } from './benchmark.ts';
import type { RequestCounts } from './cluster/api-requests.ts';
import { startControlPlane } from './cluster/control-plane.ts';
import { startDatabase } from './cluster/database.ts';
import { measureApiServer, measureLoad, measureRestart } from './cluster/load.ts';

const reach: Reach = {
  all_ready_s: { max: 12 },
  operator_memory_mb: { max: 160 },
  restart_steady_s: { max: 3 },
  restart_api_writes: { max: 0 },
};

/** The operator on a real API server: many objects at once, and a restart with them. */
export const cluster: Benchmark = {
  async run(context) {
    const { personas, bindings, profile } = readOptions(context.args);
    const counts = { personas, bindings };
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    const [load = 0] = loadavg();

    note('Building, and starting etcd, an API server and PostgreSQL ...');
    await build();
    const controlPlane = await startControlPlane(directory, context);
    const database = await startDatabase(directory, context);
    const stage = { directory, controlPlane, database, profileDirectory: profile };
    note(`Creating ${personas} Personas and ${bindings} ApiKeyBindings while no operator runs ...`);
    const alone = await measureApiServer(stage, counts);
    note('The same before the operator ...');
    const { operator, ...loaded } = await measureLoad(stage, counts, context);
    await operator.stop();
    note('Restarting the operator ...');
    const restarted = await measureRestart(stage, counts, context);
    return {
      figures: { load_average: round(load), ...alone, ...loaded.figures, ...restarted.figures },
      reach,
      summary: `${personas} Personas and ${bindings} ApiKeyBindings.\n\n${tabulate(loaded.requests, restarted.requests)}`,
    };
  },
};

function tabulate(loaded: RequestCounts, restarted: RequestCounts): string {
  const requests = new Set([...loaded.keys(), ...restarted.keys()]);
  const rows = [...requests].map((request) => {
    return [request, String(loaded.get(request) ?? 0), String(restarted.get(request) ?? 0)];
  });
  return formatTable([["the operator's requests", 'creation', 'restart'], ...rows]);
}

function readOptions(args: readonly string[]): { personas: number; bindings: number; profile: string | undefined } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      personas: { type: 'string', default: '1000' },
      bindings: { type: 'string', default: '200' },
      profile: { type: 'string' },
    },
  });
  const count = (option: 'personas' | 'bindings') => {
    const number = Number(values[option]);
    if (!(Number.isInteger(number) && number > 0)) throw new Error(`--${option} takes a number of objects`);
    return number;
  };
  return { personas: count('personas'), bindings: count('bindings'), profile: values.profile };
}
