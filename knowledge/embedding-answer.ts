type Answer = Readonly<Record<string, unknown>>;

/**
 * Reads the vectors of an answer of `POST /v1/embeddings`, in the order of the inputs. They are lists of numbers or, as we
 * ask for them, 32-bit floats in base64; not every provider knows the latter.
 *
 * @returns undefined where there is not one vector for each input, all of one length
 */
export function readVectors(answer: Answer, count: number): Float32Array[] | undefined;
/** @param readOne reads a vector; undefined where it is none */
export function readVectors<Vector extends ArrayLike<number>>(
  answer: Answer,
  count: number,
  readOne: (embedding: unknown) => Vector | undefined,
): Vector[] | undefined;
export function readVectors(
  { data }: Answer,
  count: number,
  readOne: (embedding: unknown) => ArrayLike<number> | undefined = readVector,
): ArrayLike<number>[] | undefined {
  if (!Array.isArray(data) || data.length !== count) return undefined;
  const vectors: ArrayLike<number>[] = [];
  for (const [place, item] of data.entries()) {
    const { index = place, embedding } = (item ?? {}) as { readonly index?: unknown; readonly embedding?: unknown };
    const vector = readOne(embedding);
    if (typeof index !== 'number' || !vector) return undefined;
    vectors[index] = vector;
  }
  const [first] = vectors;
  const isWhole = first && first.length > 0 && Object.keys(vectors).length === count && vectors.length === count;
  return isWhole && vectors.every((vector) => vector.length === first.length) ? vectors : undefined;
}

function readVector(embedding: unknown): Float32Array | undefined {
  if (typeof embedding === 'string') {
    const bytes = Buffer.from(embedding, 'base64');
    if (bytes.length % 4 !== 0) return undefined;
    return finite(Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4)));
  }
  if (!Array.isArray(embedding) || !embedding.every((value) => typeof value === 'number')) return undefined;
  return finite(Float32Array.from(embedding));
}

function finite(vector: Float32Array): Float32Array | undefined {
  return vector.every(Number.isFinite) ? vector : undefined;
}

/** What to ask `POST /v1/embeddings`. */
export function embeddingBody(
  { model, dimensions }: { model: string; dimensions: number | undefined },
  input: string[],
) {
  return { model, input, encoding_format: 'base64' as const, ...(dimensions !== undefined && { dimensions }) };
}
