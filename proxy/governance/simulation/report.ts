import { nobody } from '../../../database/ids.ts';
import type { Decider } from '../../calls/explain/explanation.ts';
import type { ReplayedCall, Verdict } from './judge-call.ts';

/** Calls that a rule would have refused, or reported. */
export interface RuleFindings {
  readonly decidedBy: readonly Decider[];
  /** The error code. Null: the rule only reports. */
  readonly code: string | null;
  readonly name: string | null;
  calls: number;
  /** Of them, those that what is in force now would have refused, too. */
  alsoInForce: number;
  /** What they have cost. */
  recordedUsd: number;
  readonly firstAtMs: number;
  lastAtMs: number;
  readonly firstRequestId: string;
  readonly users: Tally;
  readonly models: Tally;
}

/** Figures of a group of calls. */
export interface GroupFigures {
  calls: number;
  refused: number;
  recordedUsd: number;
  /** Of the calls that would have been made. */
  simulatedUsd: number;
}

/** Figures by name. Names beyond the most that are kept are counted together. */
export class Groups<Figures> {
  readonly #figures = new Map<string, Figures>();
  readonly #make: () => Figures;
  readonly #most: number;

  constructor(make: () => Figures, most = 50_000) {
    this.#make = make;
    this.#most = most;
  }

  of(name: string): Figures {
    const known = this.#figures.get(name);
    if (known) return known;
    const kept = this.#figures.size < this.#most ? name : others;
    const figures = this.#figures.get(kept) ?? this.#make();
    this.#figures.set(kept, figures);
    return figures;
  }

  entries(): (readonly [name: string, figures: Figures])[] {
    return [...this.#figures];
  }
}

const others = '(others)';

type Tally = Groups<{ calls: number }>;
const makeTally = (): Tally => new Groups(() => ({ calls: 0 }), 10_000);
const makeGroup = (): GroupFigures => ({ calls: 0, refused: 0, recordedUsd: 0, simulatedUsd: 0 });

/** What a simulation has found so far. Its size does not grow with the calls. */
export class Findings {
  readonly total = {
    ...makeGroup(),
    analyses: 0,
    alsoInForce: 0,
    shortened: 0,
    unpricedRecorded: 0,
    unpricedSimulated: 0,
  };
  readonly refusing = new Map<string, RuleFindings>();
  readonly reporting = new Map<string, RuleFindings>();
  readonly users = new Groups(makeGroup);
  readonly models = new Groups(makeGroup);
  /** Calls that would have asked for another model, by both. */
  readonly moved = new Groups(() => ({ calls: 0 }), 1_000);
  readonly providers = new Groups(
    () => ({ recordedCalls: 0, simulatedCalls: 0, recordedUsd: 0, simulatedUsd: 0 }),
    1_000,
  );

  add(call: ReplayedCall, verdict: Verdict, isRefusedInForce: boolean): void {
    const recordedUsd = Number(call.costUsd ?? 0);
    const simulatedUsd = verdict.refusal ? 0 : (verdict.costUsd ?? 0);
    const { total } = this;
    if (call.kind === 'analysis') total.analyses += 1;
    if (call.costUsd === null) total.unpricedRecorded += 1;
    if (!verdict.refusal && verdict.costUsd === null) total.unpricedSimulated += 1;
    if (verdict.isShortened) total.shortened += 1;
    if (isRefusedInForce) total.alsoInForce += verdict.refusal ? 1 : 0;
    const user = call.user ?? (call.userId === nobody ? '(none)' : call.userId);
    for (const group of [total, this.users.of(user), this.models.of(call.requestedModel ?? '(none)')]) {
      group.calls += 1;
      if (verdict.refusal) group.refused += 1;
      group.recordedUsd += recordedUsd;
      group.simulatedUsd += simulatedUsd;
    }
    if (verdict.model !== call.requestedModel) {
      this.moved.of(`${call.requestedModel ?? '(none)'} → ${verdict.model ?? '(none)'}`).calls += 1;
    }
    this.#addProviders(call, verdict, recordedUsd);
    const { refusal, reported } = verdict;
    if (refusal) note(this.refusing, call, { ...refusal, user, recordedUsd, isRefusedInForce });
    for (const decider of reported) {
      note(this.reporting, call, { code: null, name: null, decidedBy: [decider], user, recordedUsd, isRefusedInForce });
    }
  }

  #addProviders(call: ReplayedCall, { refusal, mix, costUsd }: Verdict, recordedUsd: number): void {
    const before = this.providers.of(call.provider);
    before.recordedCalls += 1;
    before.recordedUsd += recordedUsd;
    if (refusal) return;
    for (const { key, share } of mix) {
      const after = this.providers.of(key.provider.name);
      after.simulatedCalls += share;
      after.simulatedUsd += share * (costUsd ?? 0);
    }
  }
}

interface Noted {
  readonly code: string | null;
  readonly name: string | null;
  readonly decidedBy: readonly Decider[];
  readonly user: string;
  readonly recordedUsd: number;
  readonly isRefusedInForce: boolean;
}

function note(rules: Map<string, RuleFindings>, call: ReplayedCall, noted: Noted): void {
  const { code, name, decidedBy, user, recordedUsd, isRefusedInForce } = noted;
  const id = `${code} ${decidedBy.map(({ resource, field }) => `${resource} ${field}`).join(' ')}`;
  const { startedAtMs, requestId } = call;
  const found = rules.get(id) ?? {
    ...{ decidedBy, code, name, calls: 0, alsoInForce: 0, recordedUsd: 0 },
    ...{ firstAtMs: startedAtMs, lastAtMs: startedAtMs, firstRequestId: requestId },
    ...{ users: makeTally(), models: makeTally() },
  };
  rules.set(id, found);
  found.calls += 1;
  found.alsoInForce += isRefusedInForce ? 1 : 0;
  found.recordedUsd += recordedUsd;
  found.lastAtMs = startedAtMs;
  found.users.of(user).calls += 1;
  found.models.of(call.requestedModel ?? '(none)').calls += 1;
}
