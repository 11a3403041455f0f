import assert from 'node:assert/strict';
import type { Scope } from '../../scope.ts';
import { until } from '../../until.ts';
import { type CallKind, everyKind } from './calls.ts';
import type { Fault, Strike } from './fault.ts';
import { type AnyProxy, type Installation, limitedCalls } from './installation.ts';
import { type Comparison, compare, type Seen } from './ledger.ts';
import { type Load, startLoad } from './load.ts';
import { type Counted, readCounted, readRecords } from './records.ts';

/** What came of a fault. */
export interface Outcome {
  readonly fault: string;
  readonly comparison: Comparison;
  /** How much the counters of limits and budgets differ from the sums of the records, in requests, tokens and 10⁻⁹ dollars. */
  readonly miscounted: readonly [requests: number, tokens: number, nanoUsd: number];
  readonly mostLimited: number;
  /** The refusal that took longest: the kind of the call and the code. */
  readonly slowest: string;
  /** Kinds of calls of which none was answered. */
  readonly neverAnswered: readonly string[];
  readonly seconds: number;
  readonly notes: readonly string[];
  /** The texts of refusals. */
  readonly told: readonly string[];
}

/** Kinds of which all calls may be refused. */
const mayBeRefused: ReadonlySet<CallKind> = new Set(['guarded', 'limited']);

/** Calls that end before a fault begins, and after it has gone. */
const edgeCalls = 30;

let runs = 0;

/** Lets a fault happen to an installation under load, and compares the accounts when all is over. */
export async function runFault(installation: Installation, scope: Scope, fault: Fault): Promise<Outcome> {
  const startedAt = performance.now();
  runs += 1;
  const run = `r${runs}${Date.now().toString(36)}`;
  const { stack, upstream } = installation;
  upstream.clear();
  const before = await installation.withDatabase((database) => readCounted(database, run));
  let proxy: AnyProxy = stack.proxy;
  const proxies = new Set([proxy]);
  const notes: string[] = [];
  const ignored = new Set<string>();
  const load = startLoad({
    ...{ run, token: stack.token, target: () => `http://${proxy.host ?? '127.0.0.1'}:${proxy.port}/v1` },
    ...fault.load,
  });
  const strike: Strike = {
    ...installation,
    ...{ scope, load, startProxy: (options) => installation.startProxy(scope, options) },
    get proxy() {
      return proxy;
    },
    use(other) {
      proxy = other;
      proxies.add(other);
    },
    forget: (other) => void proxies.delete(other),
    note: (sentence) => void notes.push(sentence),
    ignoreMark: (mark) => void ignored.add(mark),
    calls: (count) => untilCalls(load, count),
    answers: (count) => untilAnswers(load, count),
  };
  try {
    await strike.answers(edgeCalls);
    await fault.strike?.(strike);
    await untilAnswers(load, edgeCalls);
  } finally {
    await load.stop();
    await installation.settle([...proxies]);
  }
  const asks = upstream.asks().filter(({ mark }) => !ignored.has(mark));
  const records = await installation.withDatabase((database) => readRecords(database, run));
  const comparison = compare(asks, records, load.seen, { isDamaged: fault.damages === true });
  const after = await installation.withDatabase((database) => readCounted(database, run));
  const answered = new Set(load.seen.filter(({ end }) => end === 'answered').map(({ kind }) => kind));
  return {
    fault: fault.name,
    comparison,
    miscounted: miscountedOf(before, after),
    mostLimited: after.mostLimited,
    slowest: slowestOf(load.seen),
    neverAnswered: (fault.load?.kinds ?? everyKind).filter((kind) => !mayBeRefused.has(kind) && !answered.has(kind)),
    seconds: (performance.now() - startedAt) / 1_000,
    notes,
    told: load.seen.flatMap((call) => (call.end === 'refused' ? [call.text] : [])),
  };
}

function slowestOf(seen: readonly Seen[]): string {
  const refused = seen.filter((call) => call.end === 'refused').sort((one, other) => other.afterMs - one.afterMs);
  return refused[0] ? `${refused[0].kind}: ${refused[0].code}` : '';
}

async function untilCalls(load: Load, count: number): Promise<void> {
  const wanted = load.seen.length + count;
  await until(() => load.seen.length >= wanted, `${count} calls to end`, 180_000);
}

async function untilAnswers(load: Load, count: number): Promise<void> {
  const from = load.seen.length;
  const answered = () => load.seen.slice(from).filter(({ end }) => end === 'answered').length;
  await until(() => answered() >= count, `${count} calls to be answered`, 180_000);
}

/** Calls of unknown usage count by their bounds, so then tokens and dollars may be above what the records add up to. */
function miscountedOf(before: Counted, after: Counted): Outcome['miscounted'] {
  const grown = (field: keyof Counted['counted']) =>
    after.counted[field] - before.counted[field] - (after.recorded[field] - before.recorded[field]);
  const hasUnknown = after.unknown > before.unknown;
  const beyond = (difference: number) => (hasUnknown ? Math.min(0, difference) : difference);
  return [grown('requests'), beyond(grown('tokens')), beyond(grown('nanoUsd'))];
}

/**
 * Codes of the load's own kinds, which are refused where nothing is wrong. One rule denies calls that cannot be counted at once,
 * which a machine that is busy with something else may make happen at any time.
 */
const usualRefusals = ['limit_reached', 'guardrail_blocked', 'quota_unavailable'];

/** @throws where anything was lost, doubled, mispriced, miscounted, or not told */
export function judge(fault: Fault, outcome: Outcome): void {
  const { comparison, miscounted, mostLimited, neverAnswered } = outcome;
  const { lost, doubled, costDifference, untold, unknown, cut, refused } = comparison;
  const allowed = [...usualRefusals, ...(fault.refusals ?? [])];
  assert.deepEqual(
    {
      ...{ lost, doubled, costDifference, untold, miscounted, neverAnswered },
      overLimit: Math.max(0, mostLimited - limitedCalls),
      unexpectedRefusals: Object.keys(refused)
        .filter((code) => !allowed.includes(code))
        .map((code) => outcome.told.find((text) => text.includes(code))),
      cut: fault.cuts ? 'some' : cut,
      unknown: fault.unknowns ? 'some' : unknown.calls,
    },
    {
      ...{ lost: [], doubled: [], costDifference: 0, untold: [], miscounted: [0, 0, 0], neverAnswered: [] },
      ...{ overLimit: 0, unexpectedRefusals: [] },
      cut: fault.cuts ? 'some' : 0,
      unknown: fault.unknowns ? 'some' : 0,
    },
  );
}
