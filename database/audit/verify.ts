import type { Queryable } from '../queryable.ts';
import { type ChainFault, type ChainHead, followChain, genesis, isFault } from './chain.ts';
import { readChain, readHeads } from './read.ts';

/** What a verification found. */
export type Verification =
  | { readonly state: 'intact'; readonly head: ChainHead }
  | ({ readonly state: 'broken' } & ChainFault);

const pageEntries = 2_000;
const start: ChainHead = { seq: 0, hash: genesis };

/**
 * Walks an organization's audit log.
 *
 * @param known heads from elsewhere, such as the Organization's status, that the log must contain
 * @param after the last entry that was verified before. Absent: the log is walked from its beginning.
 */
export async function verifyAudit(
  db: Queryable,
  organizationId: string,
  known: readonly ChainHead[],
  after: ChainHead = start,
): Promise<Verification> {
  // Before the walk: what is appended meanwhile comes after it.
  const stored = (await readHeads(db, [organizationId])).get(organizationId) ?? start;
  const expected = [...known, stored, after];
  const removed = shortened(stored, expected);
  if (removed) return removed;
  const wrong = contradict(after, expected);
  if (wrong) return wrong;
  let head = after;
  for (;;) {
    const entries = await readChain(db, organizationId, head.seq, pageEntries);
    const next = followChain(head, entries);
    if (isFault(next)) return { state: 'broken', ...next };
    for (const entry of entries) {
      const contradiction = contradict(entry, expected);
      if (contradiction) return contradiction;
    }
    head = next;
    if (entries.length < pageEntries) break;
  }
  return shortened(head, expected) ?? { state: 'intact', head };
}

function shortened({ seq }: ChainHead, expected: readonly ChainHead[]): Verification | undefined {
  const missing = expected.find((head) => head.seq > seq);
  if (!missing) return undefined;
  const problem = `the log ends with entry ${seq}, but it had ${missing.seq} entries: its end was removed`;
  return { state: 'broken', seq: seq + 1, problem };
}

function contradict(entry: ChainHead, expected: readonly ChainHead[]): Verification | undefined {
  const { seq } = entry;
  if (!expected.some((head) => head.seq === seq && !head.hash.equals(entry.hash))) return undefined;
  const problem = `entry ${seq} is not the one that was known: the log was written again up to there`;
  return { state: 'broken', seq, problem };
}
