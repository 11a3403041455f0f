import { createHash } from 'node:crypto';
import { findArticleVersions } from '../../../database/knowledge.ts';
import {
  holdSpace,
  insertVectors,
  listPassagesWithoutVector,
  type PassageWithoutVector,
  type VectorWrite,
} from '../../../database/knowledge-vectors.ts';
import { openArticle } from '../../../knowledge/article.ts';
import { embeddingBody, readVectors } from '../../../knowledge/embedding-answer.ts';
import { makeTextDigest, passageText } from '../../../knowledge/passage-text.ts';
import { cutPassages } from '../../../knowledge/passages.ts';
import type { EmbeddingModel } from '../../../knowledge/settings.ts';
import { packVector, sketchOf } from '../../../knowledge/vector.ts';
import { ProxyError } from '../../../proxy/error.ts';
import { embeddings } from '../../../proxy/operations/embeddings.ts';
import { AnswerError } from '../../../proxy/providers/answer-error.ts';
import { JobError } from '../../job-error.ts';
import type { WorkerOrganization } from '../../organizations.ts';
import type { TaskContext } from '../../task.ts';

/** How many passages one call is about: some 20,000 tokens at most. */
const passagesPerCall = 64;

interface Text {
  readonly digest: Buffer;
  readonly text: string;
}

/**
 * Makes the vectors that passages lack, one call after the other. A text that the provider refuses is noted, and not asked
 * about again.
 *
 * @throws {JobError | ProxyError} as any call
 */
export async function makeMissingVectors(context: TaskContext, embedding: EmbeddingModel): Promise<void> {
  const { organization, job, signal, worker } = context;
  const { store, id } = organization;
  const { space } = embedding;
  const missed = new Set<string>();
  for (;;) {
    signal.throwIfAborted();
    const lacking = await store.run((db) => listPassagesWithoutVector(db, id, space, passagesPerCall));
    if (lacking.length === 0) return;
    await store.run((db) => holdSpace(db, id, space, job.id));
    const { texts, lost } = await readTexts(organization, lacking);
    const made = texts.length > 0 ? await makeVectors(context, embedding, texts) : [];
    // An article that changed meanwhile is not listed again; one that cannot be opened is.
    const vectors = [...made, ...lost.filter((digest) => missed.has(digest.toString('hex'))).map(refused)];
    for (const digest of lost) missed.add(digest.toString('hex'));
    await store.run((db) => insertVectors(db, id, space, vectors));
    const without = vectors.filter(({ vector }) => vector === null).length;
    worker.knowledge.passages.inc({ outcome: 'made' }, vectors.length - without);
    worker.knowledge.passages.inc({ outcome: 'refused' }, without);
  }
}

/** Opens the texts of passages, each once. Lost are those of articles that changed meanwhile or cannot be opened. */
async function readTexts(
  { store, inForce, id }: WorkerOrganization,
  passages: readonly PassageWithoutVector[],
): Promise<{ texts: Text[]; lost: Buffer[] }> {
  const { envelope } = inForce();
  const digestOf = makeTextDigest(envelope, id);
  const asked = new Map(passages.map(({ articleId, version }) => [articleId, { articleId, version }]));
  const rows = await store.run((db) => findArticleVersions(db, id, [...asked.values()]));
  const known = new Map<string, string>();
  for (const row of rows) {
    const article = openArticle(envelope, id, row);
    for (const passage of cutPassages(article.content)) {
      const text = passageText(article, passage);
      known.set(digestOf(text).toString('hex'), text);
    }
  }
  const wanted = new Map(passages.map(({ digest }) => [digest.toString('hex'), digest]));
  const texts = [...wanted].flatMap(([key, digest]) => {
    const text = known.get(key);
    return text === undefined ? [] : [{ digest, text }];
  });
  return { texts, lost: [...wanted].filter(([key]) => !known.has(key)).map(([, digest]) => digest) };
}

/** Where the provider refuses a call, its texts are asked about in halves, until the one is alone that it is about. */
async function makeVectors(
  context: TaskContext,
  embedding: EmbeddingModel,
  texts: readonly Text[],
): Promise<VectorWrite[]> {
  const { organization, ask } = context;
  try {
    const { completion } = await ask({
      step: `vectors-${nameOf(texts)}`,
      kind: 'analysis',
      operation: embeddings,
      user: undefined,
      body: embeddingBody(
        embedding,
        texts.map(({ text }) => text),
      ),
    });
    const vectors = readVectors(completion, texts.length);
    if (!vectors) throw new JobError('upstream_invalid_response', 'The provider did not give a vector for each text');
    return texts.map(({ digest }, index) =>
      seal(organization, embedding, digest, vectors[index] ?? new Float32Array()),
    );
  } catch (error) {
    if (!isAboutText(error)) throw error;
    const [only] = texts;
    if (texts.length === 1 && only) {
      await proveModel(context, embedding);
      return [refused(only.digest)];
    }
    const half = Math.ceil(texts.length / 2);
    const first = await makeVectors(context, embedding, texts.slice(0, half));
    return [...first, ...(await makeVectors(context, embedding, texts.slice(half)))];
  }
}

/** The same texts have the same name in each attempt. */
function nameOf(texts: readonly Text[]): string {
  const hash = createHash('sha256');
  for (const { digest } of texts) hash.update(digest);
  return hash.digest('hex').slice(0, 32);
}

/** Whether a call may have failed by what its texts say. */
function isAboutText(error: unknown): boolean {
  if (!(error instanceof ProxyError)) return false;
  const { code, cause } = error;
  return code === 'guardrail_blocked' || (cause instanceof AnswerError && [400, 413, 422].includes(cause.status));
}

/** @throws {ProxyError} where the provider refuses every text, so that it is not the text's fault */
async function proveModel({ ask }: TaskContext, embedding: EmbeddingModel): Promise<void> {
  const body = embeddingBody(embedding, ['test']);
  await ask({ step: 'test', kind: 'analysis', operation: embeddings, user: undefined, body });
}

function seal(
  { inForce, id: organizationId }: WorkerOrganization,
  { space }: EmbeddingModel,
  digest: Buffer,
  vector: Float32Array,
): VectorWrite {
  const { envelope } = inForce();
  const rowId = `${space}/${digest.toString('hex')}`;
  return {
    digest,
    sketch: envelope.seal({ organizationId, column: 'knowledge_vectors.sketch', rowId }, sketchOf(vector)),
    vector: envelope.seal({ organizationId, column: 'knowledge_vectors.vector', rowId }, packVector(vector)),
  };
}

function refused(digest: Buffer): VectorWrite {
  return { digest, sketch: null, vector: null };
}
