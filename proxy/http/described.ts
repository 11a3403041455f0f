import type { ProblemCode } from '../error.ts';

/**
 * Where an answer comes from: `own`; `relayed`, as one provider gives it, errors included; or `merged` from what several
 * providers list.
 */
export type Origin = 'own' | 'relayed' | 'merged';

/** Who sees the data of the whole organization. */
export const readers = 'analyst, reviewer, admin';

/** Who may, where members see their own data. */
export const ownOrReaders = 'everyone for their own data; analyst, reviewer or admin for all';

export type DescribedResponses = Record<string, { description?: string; headers?: object; content?: object }>;

declare module 'fastify' {
  /** What the OpenAPI document says of a route. A route without `tags` is not in the document. */
  interface FastifySchema {
    /** How it can be refused, in addition to what every route can be refused for. */
    problems?: readonly ProblemCode[];
    /** Who may, by the roles of a credential. Absent: everyone. A route that `role_required` refuses says it. */
    roles?: string;
    /** Absent: `own`. */
    origin?: Origin;
    /** Answers without a schema of ours, such as a provider's or events, beside those of `response`. */
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
  /** Beside the answers in the route's schema. */
  readonly 'x-answers'?: DescribedResponses;
  parameters?: object[];
  responses: DescribedResponses;
}
