/** Costs are whole 10⁻¹² dollars, so that sums are exact. */
export type Pico = number;

/** A request that a provider got, by the provider's own word. */
export interface Ask {
  /** From the body of the request. All tries of one call have one mark, and so have calls that the cache takes for one. */
  readonly mark: string;
  /** The provider's id of the answer. Empty where it has none. */
  readonly id: string;
  readonly end: 'completed' | 'aborted' | 'failed' | 'running';
  readonly billed: Pico;
}

/** A row of `chaperone.requests`. */
export interface Recorded {
  readonly requestId: string;
  readonly session: string;
  readonly status: string;
  readonly operation: string;
  readonly responseId: string | null;
  readonly isHit: boolean;
  /** Null: unknown. */
  readonly cost: Pico | null;
  /** Of requests that had reached a provider and failed before the one that answered. */
  readonly attempts: readonly { readonly cost: Pico | null }[];
}

/** What became of a call, as its client saw it. */
export type Seen = { readonly session: string; readonly kind: string; readonly afterMs: number } & (
  | { readonly end: 'answered'; readonly responseId: string | null }
  /** Told why not, in the envelope of the API. */
  | { readonly end: 'refused'; readonly status: number; readonly code: string; readonly text: string }
  /** The connection ended, or the client left. */
  | { readonly end: 'cut'; readonly reason: string }
  /** Anything else: an answer that is no answer, a refusal without a reason, silence. */
  | { readonly end: 'untold'; readonly reason: string }
);

export interface Comparison {
  readonly calls: number;
  readonly answered: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly cut: number;
  /** What accounts lack, a sentence for each. */
  readonly lost: readonly string[];
  /** What accounts have too much, a sentence for each. */
  readonly doubled: readonly string[];
  readonly costDifference: Pico;
  /** Records whose usage nobody could know, and what the provider billed for them. */
  readonly unknown: { readonly calls: number; readonly billed: Pico };
  readonly untold: readonly string[];
  readonly longestRefusalMs: number;
}

/** The mark of a session: calls that the cache takes for one have the same mark, and sessions of their own. */
export function markOf(session: string): string {
  return session.split('~')[0] ?? session;
}

/**
 * Compares the accounts with the provider's own and with what clients saw. docs/reliability.md has the definitions in
 * words.
 *
 * @param options.isDamaged whether the records of answered calls may be interrupted
 */
export function compare(
  asks: readonly Ask[],
  records: readonly Recorded[],
  seen: readonly Seen[],
  { isDamaged = false }: { readonly isDamaged?: boolean } = {},
): Comparison {
  const lost: string[] = [];
  const doubled: string[] = [];
  let costDifference = 0;
  const unknown = { calls: 0, billed: 0 };
  const asksOf = Map.groupBy(asks, ({ mark }) => mark);
  const recordsOf = Map.groupBy(records, ({ session }) => markOf(session));
  const bySession = Map.groupBy(records, ({ session }) => session);
  const known = new Set(seen.map(({ session }) => session));

  for (const [session, all] of bySession) {
    if (all.length > 1) doubled.push(`${session} has ${all.length} records`);
    if (!known.has(session)) doubled.push(`${session} has a record, and nobody called`);
  }
  for (const mark of new Set([...asksOf.keys(), ...recordsOf.keys()])) {
    const account = compareMark(asksOf.get(mark) ?? [], recordsOf.get(mark) ?? []);
    if (account.lacks > 0) lost.push(`${mark}: the provider got ${account.lacks} requests that no record tells of`);
    costDifference += account.difference;
    unknown.calls += account.unknown;
    unknown.billed += account.unknownBilled;
  }
  for (const call of seen) {
    if (call.end !== 'answered') continue;
    const [record] = bySession.get(call.session) ?? [];
    if (isDamaged && record?.status === 'interrupted') continue;
    const complaint = record ? complaintOf(record, call.responseId) : 'has no record';
    if (complaint !== undefined) lost.push(`${call.session}: the client has its answer, and it ${complaint}`);
  }
  const refusals = seen.filter((call) => call.end === 'refused');
  const untold = seen.filter((call) => call.end === 'untold');
  return {
    calls: seen.length,
    answered: seen.filter(({ end }) => end === 'answered').length,
    refused: Object.fromEntries(
      [...Map.groupBy(refusals, ({ code }) => code)].map(([code, all]) => [code, all.length]),
    ),
    cut: seen.filter(({ end }) => end === 'cut').length,
    lost,
    doubled,
    costDifference,
    unknown,
    untold: untold.map(({ session, kind, reason }) => `${session} (${kind}): ${reason}`),
    longestRefusalMs: Math.max(0, ...[...refusals, ...untold].map(({ afterMs }) => afterMs)),
  };
}

function compareMark(asks: readonly Ask[], records: readonly Recorded[]) {
  const asked = records.filter(({ isHit }) => !isHit);
  const told = asked.reduce((sum, { attempts }) => sum + 1 + attempts.length, 0);
  const billed = asks.reduce((sum, ask) => sum + ask.billed, 0);
  const costs = asked.flatMap(({ cost, attempts }) => (cost === null ? attempts.map((each) => each.cost) : [cost]));
  const recorded = costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0);
  const open = asked.filter(({ cost, attempts }) => cost === null || attempts.some((each) => each.cost === null));
  // An error of the provider, or a request that it never got, costs nothing, and that is known.
  const unknown = open.filter(({ status }) => status === 'interrupted' || billed > recorded).length;
  const hits = records.filter(({ isHit, cost }) => isHit && cost !== 0).length;
  return {
    lacks: Math.max(0, asks.length - told),
    // An unknown cost may be anything, but what is known must have been billed.
    difference: hits + (unknown > 0 ? Math.max(0, recorded - billed) : Math.abs(recorded - billed)),
    unknown,
    unknownBilled: unknown > 0 ? Math.max(0, billed - recorded) : 0,
  };
}

function complaintOf({ status, cost, responseId }: Recorded, seenId: string | null): string | undefined {
  if (status !== 'completed') return `is ${status} in its record`;
  if (cost === null) return 'has no cost in its record';
  if (seenId !== null && responseId !== seenId) return `has another response id in its record: ${responseId}`;
  return undefined;
}
