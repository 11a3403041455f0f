import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import { type Benchmark, type Figures, median, type Reach } from './benchmark.ts';
import { readAccounts } from './path/accounts.ts';
import { makeRequestBody } from './path/exchange.ts';
import { compare, describe } from './path/figures.ts';
import {
  type Installation,
  measureColdStart,
  readGauge,
  startGovernedProxy,
  startInstallation,
  untilShipped,
} from './path/governed.ts';
import { startLoadGenerator } from './path/load.ts';
import { runRounds } from './path/rounds.ts';
import { measureRulesCost, type RulesCostOptions } from './path/rules-cost.ts';
import { startUpstream } from './path/upstream.ts';
import { readCpuSeconds, readFamilyCpuSeconds } from './processor-time.ts';
import { startPassthrough } from './reference/start-passthrough.ts';

const coldStarts = 7;

const reach: Reach = {
  governed_to_bare_ratio: { min: 0.6 },
  added_p50_to_bare_ratio: { max: 2 },
  memory_mb: { max: 130 },
  cold_start_ms: { max: 250 },
  accounted_ratio: { min: 1, max: 1 },
};

/** What limits and budgets may add to a call. */
const reachOfRules: Reach = { rules_proxy_cpu_ratio: { max: 1.08 } };

/** What traces of a hundredth of the calls may add to a call. */
const reachOfTraces: Reach = { traces_proxy_cpu_ratio: { max: 1.02 } };

/**
 * Measures calls directly to an upstream, through a bare passthrough, and through the governed proxy, alternately in
 * one run.
 */
export const path: Benchmark = {
  async run(context) {
    const { rounds: count, seconds, profile, limits, cache, guardrails, traces } = readOptions(context.args);
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));

    note('Building, and starting everything ...');
    await build();
    const upstream = await startUpstream(directory, context);
    const origin = `http://127.0.0.1:${upstream.port}`;
    const bare = await startPassthrough(origin, context);
    const installation = await startInstallation(directory, `${origin}/v1`, context, limits ? wideLimits : {});
    const coldStartMs = await measureColdStarts(directory, installation);
    const proxy = await startGovernedProxy(directory, installation, profile, context);

    const generate = await startLoadGenerator(context);
    const { rounds, governedCalls } = await runRounds({
      generate,
      ports: { direct: upstream.port, bare: bare.port, governed: proxy.port },
      token: installation.token,
      bodies: {
        whole: makeRequestBody('whole', installation.personaId),
        stream: makeRequestBody('stream', installation.personaId),
      },
      count,
      seconds,
      settle: () => untilShipped(proxy),
      readCpuSeconds: async () => ({
        bare: await readCpuSeconds(bare.pid),
        proxy: await readCpuSeconds(proxy.pid),
        postgres: await readFamilyCpuSeconds(installation.postgresPid),
      }),
      onRound: (number, round) =>
        note(`${number === 0 ? 'warm-up' : `round ${number} of ${count}`}: ${describe(round)}`),
    });

    const { rows, exact } = await readAccounts(installation.databaseUrl, governedCalls);
    const memoryBytes = await readGauge(proxy, 'process_resident_memory_bytes');
    const { figures, table } = compare(rounds);
    const costs = { directory, upstreamUrl: `${origin}/v1`, generate, seconds, context };
    const ofRules = limits ? await measureRulesCost({ ...costs, name: 'rules', rules: wideLimits }) : {};
    const ofGuardrails = guardrails
      ? await measureRulesCost({ ...costs, name: 'guardrails', rules: { guardrails: [piiGuardrail] } })
      : {};
    const ofCache = cache ? await measureCacheCost(costs) : {};
    const ofTraces = traces ? await measureTracesCost(costs) : {};
    return {
      figures: {
        ...figures,
        ...ofRules,
        ...ofGuardrails,
        ...ofCache,
        ...ofTraces,
        memory_mb: Math.round(memoryBytes / 1e6),
        cold_start_ms: Math.round(coldStartMs),
        governed_calls: governedCalls,
        accounted_ratio: rows === governedCalls ? exact / governedCalls : rows / governedCalls,
      },
      reach: { ...reach, ...(limits && reachOfRules), ...(traces && reachOfTraces) },
      summary: `Upstream: ${upstream.kind}. Medians of ${count} rounds.\n\n${table}`,
    };
  },
};

/** Calls that are all answered from the cache, that are all looked up in vain, and whose answers are all kept. */
async function measureCacheCost(costs: Omit<RulesCostOptions, 'name' | 'rules'>): Promise<Figures> {
  const rules = { cache: {} };
  return {
    ...(await measureRulesCost({ ...costs, name: 'cache_hit', rules })),
    ...(await measureRulesCost({ ...costs, name: 'cache_missed', rules, varies: true })),
    ...(await measureRulesCost({ ...costs, name: 'cache_kept', rules, headers: { 'cache-control': 'no-cache' } })),
  };
}

/** Traces of 1 % of the calls, to a collector that takes all of them. */
async function measureTracesCost(costs: Omit<RulesCostOptions, 'name' | 'rules'>): Promise<Figures> {
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  costs.context.onEnd(async () => void collector.close().closeAllConnections());
  const { port } = collector.address() as AddressInfo;
  const rules = { traces: { endpoint: `http://127.0.0.1:${port}`, samplingPercentage: 1 } };
  return measureRulesCost({ ...costs, name: 'traces', rules });
}

/** Rules that count every call and refuse none. */
const wideLimits = {
  limits: [
    { name: 'calls', per: 'Organization', requests: { count: 1_000_000_000, window: '24h' } },
    { name: 'tokens', per: 'User', tokens: { count: 1_000_000_000_000, window: '24h' } },
  ],
  budgets: [{ name: 'month', amountUsd: '1000000', window: 'Month' }],
};

/** A rule that reads the input of every call, and finds nothing in it. */
const piiGuardrail = { name: 'personal', action: 'Redact', appliesTo: 'Input', pii: {} };

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly profile: string | undefined;
  readonly limits: boolean;
  readonly cache: boolean;
  readonly guardrails: boolean;
  readonly traces: boolean;
}

function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      profile: { type: 'string' },
      limits: { type: 'boolean', default: false },
      cache: { type: 'boolean', default: false },
      guardrails: { type: 'boolean', default: false },
      traces: { type: 'boolean', default: false },
    },
  });
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error('--rounds takes a number of rounds');
  if (!(seconds > 0)) throw new Error('--seconds takes a number of seconds');
  const { profile, limits, cache, guardrails, traces } = values;
  return { rounds, seconds, profile, limits, cache, guardrails, traces };
}

async function measureColdStarts(directory: string, installation: Installation): Promise<number> {
  const startsMs: number[] = [];
  for (let number = 0; number < coldStarts; number += 1) {
    startsMs.push((await measureColdStart(join(directory, `cold-${number}`), installation)).ms);
  }
  return median(startsMs);
}
