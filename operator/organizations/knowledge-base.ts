import type { Organization, OrganizationSpec } from '../../crds/resources.generated.ts';
import type { IsListed } from '../known-models.ts';
import { type MatchScope, whyUnmatched } from '../limits/match.ts';
import { matchesPattern } from '../patterns.ts';
import type { Verdict } from '../runtime/conditions.ts';

type Conditions = NonNullable<Organization['status']>['conditions'];
type JudgedSpec = Pick<OrganizationSpec, 'knowledgeBase' | 'models' | 'providers' | 'prices' | 'surfaces'>;

/**
 * The condition about an embedding model that no call can use. Undefined for an organization that never named one.
 *
 * @param conditions those of the status so far
 */
export function judgeKnowledgeBase(
  spec: JudgedSpec,
  namespaces: readonly string[],
  conditions: Conditions,
  isListed: IsListed,
): Verdict | undefined {
  const type = 'KnowledgeBaseEffective';
  const { embedding } = spec.knowledgeBase ?? {};
  if (!embedding) {
    const hadOne = conditions?.some((condition) => condition.type === type) ?? false;
    return hadOne ? { type, status: true, reason: 'Effective', message: 'No embedding model is named.' } : undefined;
  }
  const why = describeUnusable(embedding.model, { spec, namespaces, isListed });
  if (why.length === 0) {
    return { type, status: true, reason: 'Effective', message: 'Passages and questions get vectors.' };
  }
  return {
    type: 'KnowledgeBaseEffective',
    status: false,
    reason: 'EmbeddingModelUnusable',
    message: `No passage and no question can get a vector: ${why.join('; ')}. Correct spec.knowledgeBase.embedding.`,
  };
}

function describeUnusable(model: string, scope: MatchScope): string[] {
  const why = whyUnmatched({ models: [model], operations: ['embeddings'] }, scope);
  if (why.length > 0) return why;
  const serving = scope.spec.providers.filter(
    ({ models }) => !models || models.some(({ name }) => matchesPattern(name, model)),
  );
  return serving.every(({ type }) => type === 'anthropic') ? ['no provider that serves it has embeddings'] : [];
}
