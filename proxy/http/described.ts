import type { ProblemCode } from '../error.ts';

/**
 * Where an answer comes from: `own`; `relayed`, as one provider gives it, errors included; or `merged` from what several
 * providers list.
 */
export type Origin = 'own' | 'relayed' | 'merged';

export type DescribedResponses = Record<string, { description?: string; headers?: object; content?: object }>;

declare module 'fastify' {
  /** What the OpenAPI document says of a route. A route without `tags` is not in the document. */
  interface FastifySchema {
    /** How it can be refused, in addition to what every route can be refused for. */
    problems?: readonly ProblemCode[];
    /** Absent: `own`. */
    origin?: Origin;
    /** Answers whose schema is a provider's, in place of `response`. */
    answers?: DescribedResponses;
    hide?: boolean;
    tags?: readonly string[];
    summary?: string;
    description?: string;
  }
}

/** An operation of the document, before it is completed. */
export interface DescribedOperation {
  /** How it can be refused. */
  readonly 'x-problems'?: readonly ProblemCode[];
  readonly 'x-origin'?: Origin;
  /** In place of the answers in the route's schema. */
  readonly 'x-answers'?: DescribedResponses;
  parameters?: object[];
  responses: DescribedResponses;
}
