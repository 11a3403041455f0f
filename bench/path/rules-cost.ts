import { join } from 'node:path';
import { type BenchmarkContext, type Figures, median, round as roundOff } from '../benchmark.ts';
import { readFamilyCpuSeconds, readProcessorMs } from '../processor-time.ts';
import { makeRequestBody } from './exchange.ts';
import { type Installation, startGovernedProxy, startInstallation, untilShipped } from './governed.ts';
import type { Generate } from './load.ts';

/** What a call of the bench costs with a part of the path, and without it. */
export interface RulesCostOptions {
  /** Of the figures. */
  readonly name: string;
  readonly directory: string;
  readonly upstreamUrl: string;
  /** Fields of the Organization's spec with the rules that are measured. */
  readonly rules: Readonly<Record<string, unknown>>;
  /** Further headers of the calls, with and without them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether each call asks something else. */
  readonly varies?: boolean;
  readonly generate: Generate;
  readonly seconds: number;
  readonly context: BenchmarkContext;
}

/** Processor time of a call, in microseconds. */
interface Cost {
  readonly proxy: number;
  readonly postgres: number;
}

/**
 * The speed of a shared machine changes within seconds, by more than rules cost. Many short turns, of which each is
 * compared with its neighbour alone, show a difference of some hundredths; a few long ones do not. And a process keeps what
 * V8 has made of it: two that run the same differ by some hundredths as long as they live. So there are several of each.
 */
const pairsOfProcesses = 5;
const pairsOfTurns = 10;
const turnSeconds = 0.6;

/** Puts the same load on a proxy without rules and on one with them, in turn, each with a PostgreSQL of its own. */
export async function measureRulesCost(options: RulesCostOptions): Promise<Figures> {
  const { name: prefix, directory, upstreamUrl, rules, context } = options;
  const install = async (name: string, spec: Readonly<Record<string, unknown>>) => {
    const own = join(directory, name);
    const installation = await startInstallation(own, upstreamUrl, context, spec);
    return async () => {
      const proxy = await startGovernedProxy(own, installation, undefined, context);
      const measure = (seconds: number) => measureLoad({ ...options, seconds }, installation, proxy);
      // It compiles what it runs often.
      await measure(options.seconds);
      return { measure, stop: proxy.stop };
    };
  };
  const start = { without: await install(`without-${prefix}`, {}), with: await install(`with-${prefix}`, rules) };

  const costs: { readonly without: Cost; readonly with: Cost }[] = [];
  for (let number = 0; number < pairsOfProcesses; number += 1) {
    const without = await start.without();
    const ruled = await start.with();
    for (let turn = 0; turn < pairsOfTurns; turn += 1) {
      // The first one changes, since it finds the machine in the state that the last one left.
      const isFirst = turn % 2 === 0;
      const one = await (isFirst ? without : ruled).measure(turnSeconds);
      const other = await (isFirst ? ruled : without).measure(turnSeconds);
      costs.push(isFirst ? { without: one, with: other } : { without: other, with: one });
    }
    await without.stop();
    await ruled.stop();
  }
  const of = (compute: (cost: (typeof costs)[number]) => number) => roundOff(median(costs.map(compute)));
  const quarters = quartiles(costs.map(({ without, with: ruled }) => ruled.proxy / without.proxy));
  context.note(`${prefix}: ${costs.length} pairs of turns, half of their ratios from ${quarters.join(' to ')}`);
  return {
    [`${prefix}_proxy_cpu_ratio`]: of(({ without, with: ruled }) => ruled.proxy / without.proxy),
    [`${prefix}_postgres_cpu_ratio`]: of(({ without, with: ruled }) => ruled.postgres / without.postgres),
    [`${prefix}_proxy_cpu_us`]: of(({ without, with: ruled }) => ruled.proxy - without.proxy),
    [`${prefix}_postgres_cpu_us`]: of(({ without, with: ruled }) => ruled.postgres - without.postgres),
  };
}

function quartiles(values: readonly number[]): [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => roundOff(sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN);
  return [at(0.25), at(0.75)];
}

async function measureLoad(
  { generate, seconds, headers: stated, varies = false }: RulesCostOptions,
  { token, personaId, postgresPid }: Installation,
  proxy: Awaited<ReturnType<typeof startGovernedProxy>>,
): Promise<Cost> {
  const read = async () => ({
    proxy: await readProcessorMs(proxy.pid),
    postgres: (await readFamilyCpuSeconds(postgresPid)) * 1e3,
  });
  const before = await read();
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json', ...stated };
  const body = makeRequestBody('whole', personaId);
  const load = { port: proxy.port, connections: 16, seconds, headers, body, varies };
  const { calls } = await generate(load);
  await untilShipped(proxy);
  const after = await read();
  const us = (of: keyof Cost) => ((after[of] - before[of]) * 1e3) / calls;
  return { proxy: us('proxy'), postgres: us('postgres') };
}
