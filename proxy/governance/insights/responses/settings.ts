import type { Snapshot } from '../../../snapshot/snapshot.ts';

/** How answers to customers are generated: `spec.insights.responses` with its defaults. */
export interface ResponseSettings {
  readonly model: string;
  /** An answer with less goes to people. */
  readonly confidenceThreshold: number;
  /** What queries may be about. Empty: what the model says. */
  readonly categories: readonly string[];
  /** Answers to these go to people. */
  readonly reviewCategories: readonly string[];
}

export function responseSettings({ spec }: Pick<Snapshot, 'spec'>): ResponseSettings {
  const stated: Partial<NonNullable<NonNullable<typeof spec.insights>['responses']>> = spec.insights?.responses ?? {};
  const { model = 'gpt-4o-mini', confidenceThreshold = 0.7, categories = [], reviewCategories = [] } = stated;
  return { model, confidenceThreshold, categories, reviewCategories };
}
