import type { Queryable } from '../queryable.ts';
import { type ChainedEntry, type ChainFault, type ChainHead, followChain, genesis, isFault } from './chain.ts';
import type { CutEntry } from './entry.ts';
import { readCheckpoint } from './prune.ts';
import { readChain, readHeads } from './read.ts';

/** What a verification found. */
export type Verification =
  /** @property cut the last entry that the organization's retention has removed; undefined: none was */
  | { readonly state: 'intact'; readonly head: ChainHead; readonly cut?: ChainHead | undefined }
  | ({ readonly state: 'broken' } & ChainFault);

const pageEntries = 2_000;
const start: ChainHead = { seq: 0, hash: genesis };

/**
 * Walks an organization's audit log. Where its oldest entries were removed, the rest begins with the hash of the last of
 * them, and an entry in the rest must say so: it is covered by the later heads.
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
  const cut = await readCheckpoint(db, organizationId);
  const first = cut && cut.seq >= after.seq ? cut : after;
  // A head from before the cut says nothing about what is left.
  const expected = [...known, stored, after, ...(cut ? [cut] : [])].filter(({ seq }) => seq >= first.seq);
  const removed = shortened(stored, expected);
  if (removed) return removed;
  const wrong = contradict(first, expected);
  if (wrong) return wrong;
  let head = first;
  let isAnchored = first !== cut;
  for (;;) {
    const entries = await readChain(db, organizationId, head.seq, pageEntries);
    const next = followChain(head, entries);
    if (isFault(next)) return { state: 'broken', ...next };
    for (const entry of entries) {
      const contradiction = contradict(entry, expected);
      if (contradiction) return contradiction;
      isAnchored ||= cut !== undefined && tellsOf(entry, cut);
    }
    head = next;
    if (entries.length < pageEntries) break;
  }
  if (!isAnchored) return unexplained(first);
  return shortened(head, expected) ?? { state: 'intact', head, cut };
}

/** Whether an entry says that those up to the cut were removed. */
function tellsOf({ entry }: ChainedEntry, { seq, hash }: ChainHead): boolean {
  const { kind, through, hash: stated }: Partial<CutEntry> = JSON.parse(entry);
  return kind === 'cut' && through === seq && stated === hash.toString('hex');
}

function unexplained({ seq }: ChainHead): Verification {
  const problem = `the entries up to ${seq} were removed, and no entry of the log says so`;
  return { state: 'broken', seq: seq + 1, problem };
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
