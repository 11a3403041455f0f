import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Envelope, EnvelopeError } from '../../../database/envelope.ts';
import { listSketches } from '../../../database/knowledge-vectors.ts';
import { tablesOf } from '../../../knowledge/vector.ts';
import type { Store } from '../../store.ts';

/** The sketches of an organization's vectors, in memory: one bit a dimension, so 20,000 articles take some 25 MB. */
export interface VectorIndex {
  /** Reads what was stored since. The first time, that is everything. */
  refresh(envelope: Pick<Envelope, 'open'>): Promise<void>;
  /** Finds the texts whose vectors seem nearest to a question's. @returns their digests in hex */
  nearest(question: Float32Array, count: number): Promise<string[]>;
  /** Forgets texts whose vectors are gone. */
  forget(digests: readonly string[]): void;
}

/** Calls of others wait while these are opened, some 10 ms. */
const rowsPerQuery = 1_000;
/** Calls of others wait for this many comparisons at most, some 2 ms. */
const slotsPerTurn = 6_000;

/** Makes the index of the vectors of a space. */
export function makeVectorIndex(store: Pick<Store, 'run'>, organizationId: string, space: string): VectorIndex {
  const slots = new Map<string, number>();
  const digests: string[] = [];
  let sketches = new Uint8Array(0);
  let sketchBytes = 0;
  let last: { readonly revision: number; readonly digest: Buffer } = { revision: 0, digest: Buffer.alloc(0) };
  let reading: Promise<void> | undefined;

  const put = (digest: string, sketch: Buffer) => {
    sketchBytes ||= sketch.length;
    if (slots.has(digest) || sketch.length !== sketchBytes) return;
    const slot = digests.length;
    if ((slot + 1) * sketchBytes > sketches.length) {
      const larger = new Uint8Array(Math.max(1_024, slot * 2) * sketchBytes);
      larger.set(sketches);
      sketches = larger;
    }
    sketches.set(sketch, slot * sketchBytes);
    digests.push(digest);
    slots.set(digest, slot);
  };
  const read = async (envelope: Pick<Envelope, 'open'>) => {
    for (;;) {
      const rows = await store.run((db) => listSketches(db, organizationId, space, last, rowsPerQuery));
      for (const row of rows) {
        const digest = row.digest.toString('hex');
        const place = { organizationId, column: 'knowledge_vectors.sketch', rowId: `${space}/${digest}` };
        try {
          put(digest, envelope.open(place, row.sketch));
        } catch (error) {
          if (!(error instanceof EnvelopeError)) throw error;
        }
      }
      const final = rows.at(-1);
      if (final) last = { revision: final.revision, digest: final.digest };
      if (rows.length < rowsPerQuery) return;
    }
  };
  const remove = (digest: string) => {
    const slot = slots.get(digest);
    const moved = digests.at(-1);
    if (slot === undefined || moved === undefined) return;
    // The last one takes its place.
    const from = (digests.length - 1) * sketchBytes;
    sketches.copyWithin(slot * sketchBytes, from, from + sketchBytes);
    digests[slot] = moved;
    slots.set(moved, slot);
    slots.delete(digest);
    digests.pop();
  };

  return {
    async refresh(envelope) {
      // A search that comes meanwhile may have come after what is read now.
      await reading?.catch(() => {});
      reading ??= read(envelope).finally(() => {
        reading = undefined;
      });
      await reading;
    },
    async nearest(question, count) {
      if (Math.ceil(question.length / 8) !== sketchBytes) return [];
      const tables = tablesOf(question);
      let best: { digest: string; score: number }[] = [];
      let least = Number.NEGATIVE_INFINITY;
      const cut = () => {
        best.sort((one, other) => other.score - one.score);
        best = best.slice(0, count);
        if (best.length === count) least = best.at(-1)?.score ?? least;
      };
      for (let slot = 0; slot < digests.length; slot += 1) {
        if (slot % slotsPerTurn === slotsPerTurn - 1) await nextTurn();
        const score = compare(tables, sketches, slot * sketchBytes, sketchBytes);
        const digest = digests[slot];
        if (score <= least || digest === undefined) continue;
        best.push({ digest, score });
        if (best.length >= count * 2) cut();
      }
      cut();
      return best.map(({ digest }) => digest);
    },
    forget(gone) {
      for (const digest of gone) remove(digest);
    },
  };
}

/** What a sketch says of a question. A function of its own: its loop is most of a search, and is compiled as a whole. */
function compare(tables: Float32Array, sketches: Uint8Array, start: number, length: number): number {
  let score = 0;
  for (let byte = 0; byte < length; byte += 1) {
    score += tables[byte * 256 + (sketches[start + byte] ?? 0)] ?? 0;
  }
  return score;
}
