import type OpenAI from 'openai';
import type { Admitted } from '../../../calls/admit/admission.ts';
import type { CallContext } from '../../../calls/context.ts';
import type { Operation } from '../../../operations/operation.ts';
import type { GovernanceContext } from '../../context.ts';

/**
 * Checks whether a caller may ask a model this, and finds the key. Guardrails check what is said when it is asked.
 *
 * @throws {ProxyError} as a call
 */
export async function admitQuestion(
  { pipeline }: Pick<GovernanceContext, 'pipeline'>,
  context: CallContext,
  operation: Operation,
  body: OpenAI.ChatCompletionCreateParamsNonStreaming | OpenAI.EmbeddingCreateParams,
): Promise<Admitted> {
  return pipeline.admit({
    ...{ context, operation, body: { ...body } },
    ...{ said: {}, isRewritable: true, otherModels: [], references: [] },
  });
}
