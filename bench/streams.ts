import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import type { Benchmark, BenchmarkContext, Reach } from './benchmark.ts';
import { nextMessage, startNode, stopChild } from './child.ts';
import { readAccounts } from './path/accounts.ts';
import { makeRequestBody } from './path/exchange.ts';
import { startGovernedProxy, startInstallation, untilShipped } from './path/governed.ts';
import { readCpuSeconds } from './processor-time.ts';
import { startPassthrough } from './reference/start-passthrough.ts';
import { readResidentBytes, watchResidentBytes } from './resident-memory.ts';
import { deltasPerStream } from './streams/deltas.ts';
import { compareStreams, describeStreams } from './streams/figures.ts';
import { startStreamGenerator } from './streams/load.ts';
import { loads, runRounds, type Target } from './streams/rounds.ts';

const reach: Reach = {
  cpu_per_delta_to_bare_ratio: { max: 1.1 },
  added_p99_to_bare_ratio: { max: 1.5 },
  memory_kb_per_stream: { max: 60 },
  lost_streams: { max: 0 },
  accounted_ratio: { min: 1, max: 1 },
};

/** Measures streams that come delta by delta: directly, through a bare passthrough, and through the governed proxy. */
export const streams: Benchmark = {
  async run(context) {
    const { rounds: count, seconds, profile } = readOptions(context.args);
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));

    note('Building, and starting everything ...');
    await build();
    const upstream = await startPacedUpstream(context);
    const origin = `http://127.0.0.1:${upstream.port}`;
    const bare = await startPassthrough(origin, context);
    const installation = await startInstallation(directory, `${origin}/v1`, context);
    const proxy = await startGovernedProxy(directory, installation, profile, context);
    const pids: Readonly<Record<Target, number | undefined>> = {
      direct: upstream.pid,
      bare: bare.pid,
      governed: proxy.pid,
    };

    let governedStreams = 0;
    const resting = { bare: 0, governed: 0 };
    const rounds = await runRounds({
      generate: await startStreamGenerator(context),
      setPace: upstream.setPace,
      ports: { direct: upstream.port, bare: bare.port, governed: proxy.port },
      token: installation.token,
      body: makeRequestBody('stream', installation.personaId),
      count,
      seconds,
      async withCosts(name, target, run) {
        const pid = pids[target];
        const isFirst = name === 'many' && target !== 'direct' && resting[target] === 0;
        if (isFirst) resting[target] = await readResidentBytes(pid);
        const before = await readCpuSeconds(pid);
        const peak = watchResidentBytes(pid);
        const measured = await run();
        if (target === 'governed') {
          governedStreams += measured.streams;
          await untilShipped(proxy);
        }
        const cpuSeconds = (await readCpuSeconds(pid)) - before;
        return { measured, costs: { cpuSeconds, peakBytes: await peak.stop() } };
      },
      onRound: (number, name, measures) =>
        note(`${number === 0 ? 'warm-up' : `round ${number} of ${count}`}: ${describeStreams(name, measures)}`),
    });

    const { rows, exact } = await readAccounts(installation.databaseUrl, governedStreams);
    const { figures, table } = compareStreams(rounds, resting);
    return {
      figures: {
        ...figures,
        governed_streams: governedStreams,
        accounted_ratio: rows === governedStreams ? exact / governedStreams : rows / governedStreams,
      },
      reach,
      summary:
        `Streams of ${deltasPerStream} deltas, one every ${loads.few.everyMs} ms (c=${loads.few.connections}) ` +
        `or ${loads.many.everyMs} ms (c=${loads.many.connections}). Medians of ${count} rounds.\n\n${table}`,
    };
  },
};

function readOptions(args: readonly string[]): { rounds: number; seconds: number; profile: string | undefined } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      profile: { type: 'string' },
    },
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds takes a number of rounds');
  if (!(seconds > 0)) throw new Error('--seconds takes a number of seconds');
  return { rounds, seconds, profile: values.profile };
}

async function startPacedUpstream({ onEnd }: BenchmarkContext) {
  const child = startNode(join(import.meta.dirname, 'streams', 'paced-upstream.ts'), []);
  onEnd(() => stopChild(child));
  const { port } = await nextMessage<AddressInfo>(child);
  return { port, pid: child.pid, setPace: (everyMs: number) => void child.send({ everyMs }) };
}
