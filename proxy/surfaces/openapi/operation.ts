import type { ProblemCode } from '../../error.ts';

/**
 * Whose an answer is: `own`, or `relayed`, as one provider gives it, errors included, or `merged` from what several
 * providers list.
 */
export type Origin = 'own' | 'relayed' | 'merged';

export type DescribedResponses = Record<string, { description?: string; headers?: object; content?: object }>;

/** An operation of the document, as far as it is completed in document.ts. */
export interface DescribedOperation {
  /** How it can be refused. */
  readonly 'x-problems'?: readonly ProblemCode[];
  readonly 'x-origin'?: Origin;
  /** In the place of what the route's schema says. */
  readonly 'x-answers'?: DescribedResponses;
  parameters?: object[];
  responses: DescribedResponses;
}
