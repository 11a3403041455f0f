import { makeRequestId } from '../../../database/ids.ts';
import { embeddingBody, readVectors } from '../../../knowledge/embedding-answer.ts';
import type { EmbeddingModel } from '../../../knowledge/settings.ts';
import type { CallContext } from '../../calls/context.ts';
import { ProxyError } from '../../error.ts';
import { embeddings } from '../../operations/embeddings.ts';
import type { GovernanceContext } from '../context.ts';

/**
 * Has the organization's embedding model make the vector of a question: a governed call in the caller's name, with a record
 * of its own.
 *
 * @throws {ProxyError} as any call
 */
export async function embedQuestion(
  { pipeline }: Pick<GovernanceContext, 'pipeline'>,
  call: CallContext,
  question: string,
  embedding: EmbeddingModel,
): Promise<Float32Array> {
  const startedAtMs = Date.now();
  const requestId = makeRequestId(startedAtMs);
  const context: CallContext = { ...call, requestId, startedAtMs, startedTicks: performance.now() };
  const body = embeddingBody(embedding, [question]);
  const { key, model, terms } = await pipeline.admit({
    context,
    operation: embeddings,
    body: { ...body },
    // `ask` has guardrails check what is said.
    said: {},
    isRewritable: true,
    otherModels: [],
    references: [],
  });
  const { completion } = await pipeline.ask({
    ...{ kind: 'analysis', operation: embeddings, context, key, terms },
    body: { ...body, model: model ?? body.model },
  });
  const [vector] = readVectors(completion, 1) ?? [];
  if (!vector) throw new ProxyError('upstream_invalid_response');
  return vector;
}
