import type { TurnRow } from '../../../database/conversations.ts';

/** A branch of a conversation. */
export interface Branch {
  readonly branchId: string;
  /** The branch that it begins at. Null for `main`, and where the calls before it are not there. */
  readonly parentBranchId: string | null;
  /** The call after which it begins. */
  readonly forkedAfter: string | null;
  readonly startedAt: Date;
  readonly lastCallAt: Date;
  readonly calls: number;
  /** Of all messages from the beginning of the conversation to the end of the branch, answers included. */
  readonly messageCount: number;
  /** Of the calls that are on the branch itself. */
  readonly totalTokens: number;
}

/**
 * The branches of a conversation, in the order in which they began.
 *
 * @param turns in the order of their times
 */
export function branchesOf(turns: readonly TurnRow[]): Branch[] {
  const byDigest = bestByDigest(turns);
  return [...Map.groupBy(turns, ({ branchId }) => branchId)].map(([branchId, own]) => {
    const first = own.at(0);
    const origin = branchId === 'main' ? undefined : originOf(own, byDigest);
    const path = pathOf(turns, branchId);
    return {
      branchId,
      parentBranchId: origin?.branchId ?? null,
      forkedAfter: origin?.requestId ?? null,
      startedAt: first?.startedAt ?? new Date(0),
      lastCallAt: own.at(-1)?.startedAt ?? new Date(0),
      calls: own.length,
      messageCount: path.reduce((sum, turn) => sum + turn.newMessages + (turn.status === 'completed' ? 1 : 0), 0),
      totalTokens: own.reduce((sum, turn) => sum + (turn.totalTokens ?? 0), 0),
    };
  });
}

/** The call that the first one of a branch continues. */
function originOf(own: readonly TurnRow[], byDigest: ReadonlyMap<number, TurnRow>): TurnRow | undefined {
  for (const { parentDigest, branchId } of own) {
    const parent = parentDigest === null ? undefined : byDigest.get(parentDigest);
    if (parent && parent.branchId !== branchId) return parent;
  }
  return undefined;
}

/**
 * The calls from the beginning of a conversation to the end of a branch. Of equal calls it has one: the last that was
 * completed. Where what a call continues is not there, since its client has changed what was said before, the call before
 * it on the branch takes its place.
 */
export function pathOf(turns: readonly TurnRow[], branchId: string): TurnRow[] {
  const byDigest = bestByDigest(turns);
  const path: TurnRow[] = [];
  const seen = new Set<number>();
  let next =
    turns.findLast((turn) => turn.branchId === branchId && turn.status !== 'failed') ??
    turns.findLast((turn) => turn.branchId === branchId);
  while (next && !seen.has(next.messageDigest)) {
    const turn: TurnRow = byDigest.get(next.messageDigest) ?? next;
    seen.add(turn.messageDigest);
    path.push(turn);
    next = turn.parentDigest === null ? undefined : (byDigest.get(turn.parentDigest) ?? before(turns, turn, seen));
    // A repetition of the beginning, or what was said before it was summarised.
    if (!next && turn.parentDigest === null) next = before(turns, turn, seen);
  }
  return path.reverse();
}

/** The last call before this one on the same branch that is another one. */
function before(turns: readonly TurnRow[], turn: TurnRow, seen: ReadonlySet<number>): TurnRow | undefined {
  return turns.findLast(
    (earlier) =>
      earlier.branchId === turn.branchId &&
      earlier.startedAt < turn.startedAt &&
      earlier.status !== 'failed' &&
      !seen.has(earlier.messageDigest),
  );
}

/** One call for each digest: the last that was completed, else the last one. */
function bestByDigest(turns: readonly TurnRow[]): ReadonlyMap<number, TurnRow> {
  const best = new Map<number, TurnRow>();
  for (const turn of turns) {
    const known = best.get(turn.messageDigest);
    if (!known || turn.status === 'completed' || known.status !== 'completed') best.set(turn.messageDigest, turn);
  }
  return best;
}
