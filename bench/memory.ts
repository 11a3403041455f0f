import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import {
  type Benchmark,
  type BenchmarkContext,
  type Figures,
  formatTable,
  median,
  type Reach,
  round,
} from './benchmark.ts';
import { makeRequestBody } from './path/exchange.ts';
import {
  type ColdStart,
  type Installation,
  measureColdStart,
  readGauge,
  startInstallation,
  startProxyWith,
  untilShipped,
} from './path/governed.ts';
import { type Generate, startLoadGenerator } from './path/load.ts';
import { startUpstream } from './path/upstream.ts';
import { type ResidentMemory, readResidentMemory } from './resident-memory.ts';

/** How long a proxy is left alone before its memory is read: long enough for it to collect garbage as an idle one. */
const idleMs = 35_000;
const connections = 16;
/** The length of one load. Loads are repeated until there were enough calls. */
const loadSeconds = 2;

const reach: Reach = {
  idle_mb: { max: 75 },
  loaded_mb: { max: 110 },
  cold_start_ms: { max: 250 },
};

/** Measures the memory of a new proxy, and after many calls, and how long its start takes. */
export const memory: Benchmark = {
  async run(context) {
    const { rounds, calls, nodeOptions } = readOptions(context.args);
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    note('Building, and starting everything ...');
    await build();
    const upstream = await startUpstream(directory, context);
    const installation = await startInstallation(directory, `http://127.0.0.1:${upstream.port}/v1`, context);
    const generate = await startLoadGenerator(context);

    const measured: Measured[] = [];
    for (let number = 1; number <= rounds; number += 1) {
      const home = join(directory, `round-${number}`);
      const start = await measureColdStart(join(home, 'cold'), installation, nodeOptions);
      const proxy = await measureProxy(home, installation, { generate, calls, nodeOptions }, context);
      measured.push({ start, ...proxy });
      note(`round ${number} of ${rounds}: ${describe({ start, ...proxy })}`);
    }
    const figures = toFigures(measured);
    const loads = loadavg().map(round).join(', ');
    return {
      figures,
      reach,
      summary: `Load of the machine: ${loads}. Medians of ${rounds} proxies.\n\n${tabulate(measured)}`,
    };
  },
};

interface Measured {
  readonly start: ColdStart;
  readonly idle: ResidentMemory;
  readonly loaded: ResidentMemory;
  readonly heapUsedMb: number;
  readonly externalMb: number;
}

interface LoadOptions {
  readonly generate: Generate;
  readonly calls: number;
  readonly nodeOptions: readonly string[];
}

function readOptions(args: readonly string[]): { rounds: number; calls: number; nodeOptions: string[] } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      calls: { type: 'string', default: '20000' },
      'node-option': { type: 'string', multiple: true, default: [] },
    },
  });
  const [rounds, calls] = [Number(values.rounds), Number(values.calls)];
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds takes a number of rounds');
  if (!(Number.isInteger(calls) && calls >= 0)) throw new Error('--calls takes a number of calls');
  return { rounds, calls, nodeOptions: values['node-option'] };
}

async function measureProxy(
  directory: string,
  installation: Installation,
  { generate, calls, nodeOptions }: LoadOptions,
  context: BenchmarkContext,
): Promise<Omit<Measured, 'start'>> {
  const proxy = await startProxyWith(nodeOptions, directory, installation, context);
  await pause();
  const idle = await readResidentMemory(proxy.pid);
  const load = {
    port: proxy.port,
    connections,
    seconds: loadSeconds,
    headers: { authorization: `Bearer ${installation.token}`, accept: 'application/json' },
    body: makeRequestBody('whole', installation.personaId),
  };
  for (let made = 0; made < calls; ) made += (await generate(load)).calls;
  await untilShipped(proxy);
  await pause();
  const loaded = await readResidentMemory(proxy.pid);
  const megabytes = async (gauge: string) => (await readGauge(proxy, gauge)) / 1e6;
  const parts = {
    heapUsedMb: await megabytes('nodejs_heap_size_used_bytes'),
    externalMb: await megabytes('nodejs_external_memory_bytes'),
  };
  await proxy.stop();
  return { idle, loaded, ...parts };
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, idleMs));
}

function toFigures(measured: readonly Measured[]): Figures {
  const of = (read: (one: Measured) => number) => round(median(measured.map(read)));
  return {
    idle_mb: of(({ idle }) => idle.totalMb),
    idle_anonymous_mb: of(({ idle }) => idle.anonymousMb),
    idle_file_mb: of(({ idle }) => idle.fileMb),
    loaded_mb: of(({ loaded }) => loaded.totalMb),
    loaded_anonymous_mb: of(({ loaded }) => loaded.anonymousMb),
    loaded_file_mb: of(({ loaded }) => loaded.fileMb),
    loaded_heap_used_mb: of(({ heapUsedMb }) => heapUsedMb),
    loaded_external_mb: of(({ externalMb }) => externalMb),
    loaded_peak_mb: of(({ loaded }) => loaded.peakMb),
    cold_start_ms: of(({ start }) => start.ms),
    cold_start_cpu_ms: of(({ start }) => start.processorMs),
  };
}

function tabulate(measured: readonly Measured[]): string {
  const head = ['', 'idle', 'after load', 'peak', 'cold start ms', 'its CPU ms'];
  const rows = measured.map(({ start, idle, loaded }, index) => [
    `proxy ${index + 1}`,
    ...[idle.totalMb, loaded.totalMb, loaded.peakMb, start.ms, start.processorMs].map((value) => value.toFixed(1)),
  ]);
  return formatTable([head, ...rows]);
}

function describe({ start, idle, loaded }: Measured): string {
  return `idle ${round(idle.totalMb)} MB, after load ${round(loaded.totalMb)} MB (peak ${round(loaded.peakMb)}), cold start ${round(start.ms)} ms`;
}
