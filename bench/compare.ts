import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import type { Benchmark, BenchmarkContext } from './benchmark.ts';
import { compareGateways, describeRound } from './compare/figures.ts';
import { type Gateway, type Place, startLiteLlm, startPortkey } from './compare/gateways.ts';
import { runRounds, type Target } from './compare/rounds.ts';
import { makeRequestBody } from './path/exchange.ts';
import { startGovernedProxy, startInstallation, untilShipped } from './path/governed.ts';
import { startLoadGenerator } from './path/load.ts';
import { startUpstream } from './path/upstream.ts';
import { readCpuSeconds, readFamilyCpuSeconds } from './processor-time.ts';
import { startPassthrough } from './reference/start-passthrough.ts';

/** Other gateways, as they are after an installation, with their names in the table. */
const gateways: readonly {
  readonly name: string;
  readonly label: string;
  start(place: Place, context: BenchmarkContext): Promise<Gateway>;
}[] = [
  { name: 'portkey', label: 'Portkey', start: startPortkey },
  { name: 'litellm', label: 'LiteLLM', start: startLiteLlm },
];

/** Measures the same calls through the governed proxy, through a bare passthrough, and through other gateways. */
export const compare: Benchmark = {
  async run(context) {
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    const { rounds: count, seconds, environments = join(directory, 'environments') } = readOptions(context.args);

    note('Building, and starting everything ...');
    await build();
    const upstream = await startUpstream(directory, context);
    const origin = `http://127.0.0.1:${upstream.port}`;
    const labels = new Map<string, string>();
    const targets: Target[] = [await startBare(origin, context), await startGoverned(directory, origin, context)];
    for (const { name } of targets) labels.set(name, name);
    const missing: string[] = [];
    for (const { name, label, start } of gateways) {
      note(`Installing and starting ${label} ...`);
      try {
        const gateway = await start({ environments, directory, upstreamUrl: `${origin}/v1` }, context);
        targets.push(targetOf(name, gateway));
        labels.set(name, `${label} ${gateway.version}`);
      } catch (error) {
        missing.push(`${label} is not measured: ${error instanceof Error ? error.message : String(error)}.`);
        note(missing.at(-1) ?? '');
      }
    }

    const rounds = await runRounds({
      targets,
      generate: await startLoadGenerator(context),
      count,
      seconds,
      onRound: (number, round) =>
        note(`${number === 0 ? 'warm-up' : `round ${number} of ${count}`}: ${describeRound(round)}`),
    });
    const { figures, reach, table } = compareGateways(rounds, labels);
    return {
      figures,
      reach,
      summary: [`Upstream: ${upstream.kind}. Medians of ${count} rounds.`, '', table, ...missing].join('\n'),
    };
  },
};

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly environments: string | undefined;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      environments: { type: 'string' },
    },
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds takes a number of rounds');
  if (!(seconds > 0)) throw new Error('--seconds takes a number of seconds');
  return { rounds, seconds, environments: values.environments };
}

const accept = { accept: 'application/json' };

async function startBare(origin: string, context: BenchmarkContext): Promise<Target> {
  const { port, pid } = await startPassthrough(origin, context);
  const body = makeRequestBody('whole', undefined);
  return { name: 'bare', port, headers: accept, body, readCpuSeconds: () => readCpuSeconds(pid) };
}

async function startGoverned(directory: string, origin: string, context: BenchmarkContext): Promise<Target> {
  const installation = await startInstallation(directory, `${origin}/v1`, context);
  const proxy = await startGovernedProxy(directory, installation, undefined, context);
  return {
    name: 'governed',
    port: proxy.port,
    headers: { ...accept, authorization: `Bearer ${installation.token}` },
    body: makeRequestBody('whole', installation.personaId),
    async readCpuSeconds() {
      await untilShipped(proxy);
      return readCpuSeconds(proxy.pid);
    },
  };
}

function targetOf(name: string, { port, pid, headers }: Gateway): Target {
  return {
    name,
    port,
    headers: { ...accept, ...headers },
    body: makeRequestBody('whole', undefined),
    readCpuSeconds: () => readFamilyCpuSeconds(pid),
  };
}
