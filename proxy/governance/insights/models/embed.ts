import { readVectors } from '../../../../knowledge/embedding-answer.ts';
import type { CallContext } from '../../../calls/context.ts';
import { ProxyError } from '../../../error.ts';
import { embeddings } from '../../../operations/embeddings.ts';
import { asString } from '../../../providers/json.ts';
import type { Usage } from '../../../providers/usage.ts';
import type { GovernanceContext } from '../../context.ts';
import { admitQuestion } from './admit-question.ts';

export interface EmbeddingRequest {
  readonly texts: readonly string[];
  /** A model or an alias. */
  readonly model: string;
  /** How many numbers a vector is to have. Undefined: as many as the model has. */
  readonly dimensions?: number | undefined;
}

export interface EmbeddedTexts {
  /** In the order of the texts. */
  readonly vectors: readonly (readonly number[])[];
  /** As the provider names it. */
  readonly model: string;
  readonly dimensions: number;
  readonly usage: Usage;
}

/**
 * Has a model make the vectors of texts, in one call of the caller's.
 *
 * @throws {ProxyError} as a call, and `upstream_invalid_response` where there is not a vector for each text
 */
export async function embedTexts(
  context: Pick<GovernanceContext, 'pipeline'>,
  call: CallContext,
  { texts, model: asked, dimensions }: EmbeddingRequest,
): Promise<EmbeddedTexts> {
  // As numbers, so that they pass as the provider has written them.
  const body = {
    input: [...texts],
    encoding_format: 'float' as const,
    ...(dimensions !== undefined && { dimensions }),
  };
  const question = { ...body, model: asked };
  const { key, terms, model = asked } = await admitQuestion(context, call, embeddings, question);
  const { completion, usage } = await context.pipeline.ask({
    ...{ kind: 'call', operation: embeddings, context: call, key, terms },
    body: { ...question, model },
  });
  const vectors = readVectors(completion, texts.length, readNumbers);
  const length = vectors?.[0]?.length;
  if (!vectors || length === undefined) throw new ProxyError('upstream_invalid_response');
  return { vectors, model: asString(completion.model) ?? model, dimensions: length, usage };
}

function readNumbers(embedding: unknown): number[] | undefined {
  return Array.isArray(embedding) && embedding.every(Number.isFinite) ? embedding : undefined;
}
