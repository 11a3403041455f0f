import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { proxyNodeOptions } from '../cli/local/kept-process.ts';
import { build } from '../scripts/build.ts';
import { measureLinks } from './analyses/link-time.ts';
import { type Talk, type Talked, talk } from './analyses/talk.ts';
import { type Benchmark, type BenchmarkContext, formatTable, median, type Reach, round } from './benchmark.ts';
import { nextMessage, startNode, stopChild } from './child.ts';
import { type GovernedProxy, type Installation, startInstallation, untilShipped } from './path/governed.ts';
import { startUpstream } from './path/upstream.ts';
import { readProcessorMs } from './processor-time.ts';

const connections = 16;
/** V8 has compiled all of a proxy by then. */
const warmUpSeconds = 5;
/** A process keeps what V8 has made of it: two that run the same differ by some hundredths as long as they live. */
const roundsOfProcess = 10;

const reach: Reach = { linking_proxy_cpu_ratio: { max: 1.03 }, linked_ratio: { min: 1, max: 1 } };

/** What a load costs the proxy, in microseconds of processor time a call. */
interface Cost extends Talked {
  readonly proxyUs: number;
}

const modes = ['linked', 'recorded', 'unlinked'] as const;
type Mode = (typeof modes)[number];
type Costs = Readonly<Record<Mode, Cost>>;

/** Leads conversations in turn through a proxy as it is, and through two that find none. */
export const analyses: Benchmark = {
  async run(context) {
    const { rounds, seconds, turns, profile } = readOptions(context.args);
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    context.onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    context.note('Measuring the linking alone ...');
    const links = measureLinks();
    context.note('Building, and starting everything ...');
    await build();
    const upstream = await startUpstream(directory, context);
    const upstreamUrl = `http://127.0.0.1:${upstream.port}/v1`;
    const installation = await startInstallation(directory, upstreamUrl, context);
    const start = (mode: Mode) => startProxy(directory, installation, { upstreamUrl, mode, profile }, context);
    const costs: Costs[] = [];
    let conversations = 0;
    let proxies: Readonly<Record<Mode, GovernedProxy>> | undefined;
    const talkTo = async (mode: Mode, proxy: GovernedProxy, length: number) => {
      const name = `${mode} ${costs.length} ${length}`;
      const cost = await measureLoad(proxy, { token: installation.token, seconds: length, turns, name });
      if (mode === 'linked') conversations += cost.conversations;
      return cost;
    };
    while (costs.length < rounds) {
      if (costs.length % roundsOfProcess === 0) {
        if (proxies) for (const mode of modes) await proxies[mode].stop();
        proxies = {
          linked: await start('linked'),
          recorded: await start('recorded'),
          unlinked: await start('unlinked'),
        };
        for (const mode of modes) await talkTo(mode, proxies[mode], warmUpSeconds);
      }
      const cost: Partial<Record<Mode, Cost>> = {};
      // The first one changes, since it finds the machine in the state that the last one left.
      const first = costs.length % modes.length;
      for (const mode of [...modes.slice(first), ...modes.slice(0, first)])
        if (proxies) cost[mode] = await talkTo(mode, proxies[mode], seconds);
      const { linked, recorded, unlinked } = cost;
      if (!linked || !recorded || !unlinked) throw new Error('A proxy was not measured');
      context.note(modes.map((mode) => `${mode}: ${round(cost[mode]?.proxyUs ?? 0)} us a call`).join(', '));
      costs.push({ linked, recorded, unlinked });
    }
    const of = (compute: (cost: Costs) => number) => round(median(costs.map(compute)));
    const ratios = costs.map(({ linked, unlinked }) => linked.proxyUs / unlinked.proxyUs).sort((a, b) => a - b);
    const quartile = (part: number) => round(ratios[Math.floor((ratios.length - 1) * part)] ?? Number.NaN);
    const figures = {
      linked_calls_per_s: of(({ linked }) => linked.perSecond),
      linked_conversations_per_s: of(({ linked }) => (linked.perSecond * linked.conversations) / linked.calls),
      linking_proxy_cpu_ratio: of(({ linked, unlinked }) => linked.proxyUs / unlinked.proxyUs),
      linking_proxy_cpu_low_ratio: quartile(0.25),
      linking_proxy_cpu_high_ratio: quartile(0.75),
      linking_proxy_cpu_us: of(({ linked, unlinked }) => linked.proxyUs - unlinked.proxyUs),
      recording_proxy_cpu_ratio: of(({ recorded, unlinked }) => recorded.proxyUs / unlinked.proxyUs),
      recording_proxy_cpu_us: of(({ recorded, unlinked }) => recorded.proxyUs - unlinked.proxyUs),
      ...links,
      linked_ratio: (await countWhole(installation.databaseUrl, turns)) / conversations,
    };
    const rows = costs.map((cost) => ['', ...modes.map((mode) => String(round(cost[mode].proxyUs)))]);
    const head = ['', ...modes.map((mode) => `${mode} us`)];
    return {
      figures,
      reach,
      summary: `Conversations of ${turns} calls on ${connections} connections. Upstream: ${upstream.kind}.\n\n${formatTable([head, ...rows])}`,
    };
  },
};

interface MeasuredProxy {
  readonly upstreamUrl: string;
  readonly mode: Mode;
  /** Where its CPU profile is written, in a folder of its mode. Undefined: nowhere. */
  readonly profile: string | undefined;
}

async function startProxy(
  directory: string,
  installation: Installation,
  { upstreamUrl, mode, profile }: MeasuredProxy,
  { onEnd }: BenchmarkContext,
): Promise<GovernedProxy> {
  const [, , credentials = ''] = installation.proxyArguments({ data: '' });
  const data = join(directory, mode);
  const script = join(import.meta.dirname, 'analyses/proxy.ts');
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profile, mode)}`];
  const child = startNode(script, [credentials, data, upstreamUrl, mode], [...proxyNodeOptions, ...profiling]);
  const stop = () => stopChild(child);
  onEnd(stop);
  const { port, metricsPort } = await nextMessage<{ port: number; metricsPort: number }>(child);
  return { port, metricsPort, pid: child.pid, stop };
}

async function measureLoad(proxy: GovernedProxy, load: Omit<Talk, 'port' | 'connections'>): Promise<Cost> {
  const before = await readProcessorMs(proxy.pid);
  const talked = await talk({ ...load, port: proxy.port, connections });
  await untilShipped(proxy);
  const spentMs = (await readProcessorMs(proxy.pid)) - before;
  return { ...talked, proxyUs: (spentMs * 1e3) / talked.calls };
}

/** How many conversations have exactly their calls, all on one branch. */
async function countWhole(databaseUrl: string, turns: number): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::integer as count from chaperone.conversations c
       where c.calls = $1::integer and not exists (
         select from chaperone.conversation_branches b
         where b.organization_id = c.organization_id and b.conversation_id = c.conversation_id)`,
      [turns],
    );
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly turns: number;
  readonly profile: string | undefined;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '40' },
      seconds: { type: 'string', default: '0.8' },
      turns: { type: 'string', default: '6' },
      profile: { type: 'string' },
    },
  });
  const [rounds, seconds, turns] = [Number(values.rounds), Number(values.seconds), Number(values.turns)];
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds takes a number of rounds');
  if (!(seconds > 0)) throw new Error('--seconds takes a number of seconds');
  if (!(Number.isInteger(turns) && turns > 0)) throw new Error('--turns takes the number of calls of a conversation');
  return { rounds, seconds, turns, profile: values.profile };
}
