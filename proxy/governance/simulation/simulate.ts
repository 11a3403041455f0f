import { isDeepStrictEqual } from 'node:util';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { windowAt } from '../../../crds/rule-window.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { type CallPeriod, type RecordedCall, readUserNames } from '../../../database/recorded-calls.ts';
import type { Counted } from '../../quota/counted.ts';
import { type CallMatch, type FitsCall, makeCallMatch } from '../../snapshot/call-match.ts';
import type { SealedSnapshot } from '../../snapshot/sealed-snapshot.ts';
import { applyChange, type Change, type ChangedResources } from './change.ts';
import { openConfiguration } from './configuration.ts';
import { Counters } from './counters.ts';
import { Holding } from './holding.ts';
import { readSealed, type Serving } from './in-force.ts';
import { isOperation, Judge, type ReplayedCall } from './judge-call.ts';
import type { LeftOut } from './left-out.ts';
import { Findings } from './report.ts';

/** Where a simulation reads. */
export interface SimulationSource {
  query<T>(work: (db: Queryable) => Promise<T>): Promise<T>;
  /** The recorded calls of a period in order of time, some at a time. */
  calls(period: CallPeriod): AsyncIterable<readonly RecordedCall[]>;
}

export interface SimulationOptions extends Serving {
  readonly organizationId: string;
  readonly changed: ChangedResources;
  /** Milliseconds since 1970; the end is not included. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** External id of the only user whose calls are reported. Undefined: all. */
  readonly user: string | undefined;
  /** The only model, as it was asked for. Undefined: all. */
  readonly model: string | undefined;
}

export interface Simulation {
  readonly change: Change;
  readonly findings: Findings;
  /** What the simulation leaves out, with the calls that this concerns. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * Replays the recorded calls of a period against a changed configuration, in order of time, as if the change had been
 * applied at its beginning. It writes nothing, and its memory does not grow with the calls.
 */
export async function simulate(source: SimulationSource, options: SimulationOptions): Promise<Simulation> {
  const { organizationId, changed, sinceMs, untilMs, user, model } = options;
  const sealed = await source.query((db) => readSealed(db, organizationId));
  const change = applyChange(sealed, changed);
  const [before, after] = [openConfiguration(sealed, options), openConfiguration(change.sealed, options)];
  const inForce = (namespace: string | null) => before.viewOf(namespace);
  const judges = { before: new Judge(new Counters(), inForce), after: new Judge(new Counters(), inForce) };
  const counted = countedBy(sealed);
  const kept = new Set(counted.map(nameOf));
  const hasCounted = (one: Counted) => kept.has(nameOf(one));
  const findings = new Findings();
  const guardrails = changedRules(guardrailsOf(sealed), guardrailsOf(change.sealed));
  const ceilings = changedRules(ceilingsOf(sealed), ceilingsOf(change.sealed));
  const holding = new Holding();
  let guarded = 0;
  let bounded = 0;
  let unknown = 0;
  const names = new Map<string, string>();
  const fromMs = Math.min(sinceMs, ...counted.map(({ window }) => windowAt(window, sinceMs).startMs));
  for await (const calls of source.calls({ fromMs, toMs: untilMs })) {
    await learnNames(source, organizationId, calls, names);
    for (const recorded of calls) {
      const { operation, namespace } = recorded;
      if (!isOperation(operation)) {
        unknown += 1;
        continue;
      }
      const call: ReplayedCall = { ...recorded, operation, user: names.get(recorded.userId) };
      const [was, is] = [before.viewOf(namespace), after.viewOf(namespace)];
      if (call.startedAtMs < sinceMs) {
        judges.before.count(was, call, hasCounted);
        judges.after.count(is, call, hasCounted);
        continue;
      }
      const former = judges.before.judge(was, call);
      const verdict = judges.after.judge(is, call);
      if ((user !== undefined && call.user !== user) || (model !== undefined && call.requestedModel !== model))
        continue;
      findings.add(call, verdict, former.refusal !== undefined);
      if (verdict.refusal) continue;
      const guarding = guardrails.filter(({ fits }) => fits(call));
      if (guarding.length > 0) guarded += 1;
      for (const { spec } of guarding) if (spec.action === 'Review') holding.add(spec.name, is, call);
      if (ceilings.some(({ fits }) => fits(call))) bounded += 1;
    }
  }
  return { change, findings, leftOut: leftOutOf(change, { guarded, holding, bounded, unknown }) };
}

/** What the rules in force count. */
function countedBy(sealed: SealedSnapshot): readonly Counted[] {
  const { organizationRules, keyRules } = openConfiguration(sealed, { isOneMachine: true }).viewOf(null);
  return [...organizationRules, ...[...keyRules.values()].flat()].flatMap(({ counted }) => counted);
}

/** Rules of one name that count alike share a counter, whatever their limit. */
function nameOf({ rule, unit, per, window }: Counted): string {
  return JSON.stringify([rule, unit, per, window]);
}

async function learnNames(
  source: SimulationSource,
  organizationId: string,
  calls: readonly RecordedCall[],
  names: Map<string, string>,
): Promise<void> {
  const unknown = [...new Set(calls.map(({ userId }) => userId))].filter((id) => !names.has(id));
  if (unknown.length === 0) return;
  for (const [id, name] of await source.query((db) => readUserNames(db, organizationId, unknown))) names.set(id, name);
}

type Fits = (call: ReplayedCall) => boolean;

/** The rules that are new or differ, which a simulation cannot run without the bodies. */
function changedRules<Spec extends { readonly match?: CallMatch }>(
  former: readonly Spec[],
  changed: readonly Spec[],
): { readonly spec: Spec; readonly fits: Fits }[] {
  return changed
    .filter((spec) => !former.some((one) => isDeepStrictEqual(one, spec)))
    .map((spec) => ({ spec, fits: fitsOf(makeCallMatch(spec.match)) }));
}

function fitsOf(fits: FitsCall): Fits {
  return ({ requestedModel, operation, user, namespace, workload }) =>
    fits({
      model: requestedModel ?? undefined,
      operation,
      user,
      workload: namespace === null || workload === null ? undefined : { namespace, workload },
    });
}

function guardrailsOf({ organization }: SealedSnapshot) {
  return (organization?.spec as OrganizationSpec | undefined)?.guardrails ?? [];
}

function ceilingsOf({ organization }: SealedSnapshot) {
  return (organization?.spec as OrganizationSpec | undefined)?.models?.ceilings ?? [];
}

/** The fields of an Organization that the replay judges by, or counts the calls of. */
const judged =
  /^spec\.(surfaces|guardrails|models(?!\.defaults)|providers|prices|limits|budgets|tiers?|authentication\.requireUser)\b/;

interface LeftOutCalls {
  readonly guarded: number;
  readonly holding: Holding;
  readonly bounded: number;
  readonly unknown: number;
}

function leftOutOf({ fields }: Change, { guarded, holding, bounded, unknown }: LeftOutCalls): LeftOut[] {
  const organizationFields = fields.filter(({ resource }) => resource.startsWith('Organization/'));
  const unjudged = [
    ...new Set(
      organizationFields
        .filter(({ field }) => !judged.test(field))
        .map(({ field }) => field.split(/[[.]/).slice(0, 2).join('.')),
    ),
  ];
  return [
    ...(guarded > 0
      ? [{ what: 'Guardrails that are new or differ need the texts of calls, which are sealed', calls: guarded }]
      : []),
    ...holding.leftOut(),
    ...(bounded > 0
      ? [{ what: 'Ceilings that are new or differ need the bodies of calls, which are sealed', calls: bounded }]
      : []),
    ...unjudged.map((field) => ({ what: `Changes of ${field} are not simulated`, calls: null })),
    ...(unknown > 0 ? [{ what: 'Operations that this version does not know', calls: unknown }] : []),
  ];
}
