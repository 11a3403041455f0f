import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import { type Benchmark, type BenchmarkContext, formatTable, median, round as roundOff } from './benchmark.ts';
import { nextMessage, startNode, stopChild } from './child.ts';
import { type StepName, steps } from './ladder/steps.ts';
import { makeRequestBody } from './path/exchange.ts';
import { type Installation, startGovernedProxy, startInstallation, untilShipped } from './path/governed.ts';
import { type Generate, startLoadGenerator } from './path/load.ts';
import { rotate } from './path/rounds.ts';
import { startUpstream } from './path/upstream.ts';
import { readProcessorMs } from './processor-time.ts';
import { startPassthrough } from './reference/start-passthrough.ts';

/** A process whose calls are measured. */
interface Rung {
  readonly name: 'bare' | StepName | 'governed';
  readonly adds: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** Resolves when it has nothing left to do. */
  settled(): Promise<unknown>;
}

interface Cost {
  readonly cpuUs: number;
  readonly perSecond: number;
}

const warmUpSeconds = 1;

/**
 * Measures what each necessary part of governing a call adds to a bare passthrough, up to the proxy itself. The steps
 * are made from the proxy's own parts.
 */
export const ladder: Benchmark = {
  async run(context) {
    const { rounds, seconds, warmUpCalls } = readOptions(context.args);
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    note('Building, and starting everything ...');
    await build();
    const upstream = await startUpstream(directory, context);
    const origin = `http://127.0.0.1:${upstream.port}`;
    const installation = await startInstallation(directory, `${origin}/v1`, context);
    const rungs = await startRungs(directory, origin, installation, context);
    const generate = await startLoadGenerator(context);
    const measure = (rung: Rung, forSeconds: number) => measureRung(rung, generate, installation, forSeconds);

    note('Warming up: V8 compiles what is called often, and that takes some thousand calls ...');
    const left = new Map(rungs.map((rung) => [rung, warmUpCalls]));
    while ([...left.values()].some((calls) => calls > 0)) {
      for (const rung of rungs) left.set(rung, (left.get(rung) ?? 0) - (await measure(rung, warmUpSeconds)).calls);
    }
    const costs = new Map<string, Cost[]>(rungs.map(({ name }) => [name, []]));
    for (let number = 0; number < rounds; number += 1) {
      for (const rung of rotate(rungs, number)) costs.get(rung.name)?.push(await measure(rung, seconds));
      note(`round ${number + 1} of ${rounds}`);
    }
    return { ...compare(rungs, costs), reach: {} };
  },
};

async function startRungs(
  directory: string,
  origin: string,
  installation: Installation,
  context: BenchmarkContext,
): Promise<Rung[]> {
  const bare = await startPassthrough(origin, context);
  const nothing = async () => {};
  const rungs: Rung[] = [{ name: 'bare', adds: 'fastify and undici', ...bare, settled: nothing }];
  for (const { name, adds } of steps) {
    const file = join(import.meta.dirname, 'ladder', 'step-server.ts');
    const child = startNode(file, [name, origin, join(directory, name), installation.credentials]);
    context.onEnd(() => stopChild(child));
    const { port } = await nextMessage<AddressInfo>(child);
    rungs.push({ name, adds, port, pid: child.pid, settled: name === 'shipped' ? () => flush(child) : nothing });
  }
  const proxy = await startGovernedProxy(directory, installation, undefined, context);
  rungs.push({
    ...{ name: 'governed', adds: 'the proxy: callers, rules, keys, fallback, streams, forms, metrics' },
    ...{ port: proxy.port, pid: proxy.pid, settled: () => untilShipped(proxy) },
  });
  return rungs;
}

function flush(child: ChildProcess): Promise<unknown> {
  child.send('flush');
  return nextMessage(child);
}

async function measureRung(
  { port, pid, settled }: Rung,
  generate: Generate,
  { token, personaId }: Installation,
  seconds: number,
): Promise<Cost & { readonly calls: number }> {
  const before = await readProcessorMs(pid);
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' };
  const load = { port, connections: 16, seconds, headers, body: makeRequestBody('whole', personaId) };
  const { calls, perSecond } = await generate(load);
  await settled();
  return { calls, perSecond, cpuUs: ((await readProcessorMs(pid)) - before) * (1e3 / calls) };
}

/** Ratios are computed within a round, and then their median. */
function compare(rungs: readonly Rung[], costs: ReadonlyMap<string, readonly Cost[]>) {
  const figures: Record<string, number> = {};
  const rows = rungs.map(({ name, adds }) => {
    const own = costs.get(name) ?? [];
    const bare = costs.get('bare') ?? [];
    const toBare = (of: keyof Cost) => roundOff(median(own.map((cost, index) => cost[of] / (bare[index]?.[of] ?? 0))));
    const row = {
      cpu_us: roundOff(median(own.map(({ cpuUs }) => cpuUs))),
      cpu_to_bare_ratio: toBare('cpuUs'),
      requests_to_bare_ratio: toBare('perSecond'),
    };
    for (const [figure, value] of Object.entries(row)) figures[`${name}_${figure}`] = value;
    return [name, ...Object.values(row).map(String), adds];
  });
  const head = ['', 'CPU us a call', 'of bare', "of bare's requests/s", 'adds'];
  return { figures, summary: `16 connections, 1 KB each way.\n\n${formatTable([head, ...rows])}` };
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '15' },
      seconds: { type: 'string', default: '1' },
      'warm-up': { type: 'string', default: '20000' },
    },
  });
  const [rounds, seconds, warmUpCalls] = [Number(values.rounds), Number(values.seconds), Number(values['warm-up'])];
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds takes a number of rounds');
  if (!(seconds > 0)) throw new Error('--seconds takes a number of seconds');
  if (!(warmUpCalls > 0)) throw new Error('--warm-up takes a number of calls');
  return { rounds, seconds, warmUpCalls };
}
