import { type Envelope, EnvelopeError } from '../../../database/envelope.ts';
import { findPassageVectors } from '../../../database/knowledge-vectors.ts';
import { cosine, unpackVector } from '../../../knowledge/vector.ts';
import type { Store } from '../../store.ts';
import { makeVectorIndex, type VectorIndex } from './vector-index.ts';

/** A passage that vectors have found. */
export interface NearPassage {
  readonly articleId: string;
  readonly number: number;
  /** Of the article. */
  readonly version: number;
  readonly startsAt: number;
  readonly endsAt: number;
  readonly similarity: number;
}

/** By their sketches, this many are found; by their vectors, they are ranked. */
const candidates = 200;

/** What a process knows of an organization's vectors, for as long as it holds the organization: by its `store.ahead`. */
const indexes = new WeakMap<Store, { readonly space: string; readonly index: VectorIndex }>();

function indexOf(store: Store, organizationId: string, space: string): VectorIndex {
  const known = indexes.get(store.ahead);
  if (known?.space === space) return known.index;
  const index = makeVectorIndex(store, organizationId, space);
  indexes.set(store.ahead, { space, index });
  return index;
}

/** Finds the passages whose vectors are nearest to a question's, the nearest first. */
export async function searchVectors(
  { store, envelope }: { readonly store: Store; readonly envelope: Pick<Envelope, 'open'> },
  organizationId: string,
  space: string,
  question: Float32Array,
): Promise<NearPassage[]> {
  const index = indexOf(store, organizationId, space);
  await index.refresh(envelope);
  const nearest = await index.nearest(question, candidates);
  if (nearest.length === 0) return [];
  const digests = nearest.map((digest) => Buffer.from(digest, 'hex'));
  const rows = await store.run((db) => findPassageVectors(db, organizationId, space, digests));
  const known = new Set(rows.map(({ digest }) => digest.toString('hex')));
  index.forget(nearest.filter((digest) => !known.has(digest)));
  return rows
    .flatMap(({ digest, vector, passage }) => {
      if (!passage) return [];
      const place = { organizationId, column: 'knowledge_vectors.vector', rowId: `${space}/${digest.toString('hex')}` };
      try {
        return [{ ...passage, similarity: cosine(question, unpackVector(envelope.open(place, vector))) }];
      } catch (error) {
        if (error instanceof EnvelopeError) return [];
        throw error;
      }
    })
    .sort((one, other) => other.similarity - one.similarity || (one.articleId < other.articleId ? -1 : 1));
}
