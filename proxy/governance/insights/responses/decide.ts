import { agreementOf, calibrate } from '../../support/confidence.ts';
import type { GivenPassage } from '../../support/prompt.ts';
import type { ResponseReply } from './reply.ts';
import type { ResponseSettings } from './settings.ts';

export const reviewReasons = ['low_confidence', 'category', 'guardrail'] as const;
/** Why people must see an answer. */
export type ReviewReason = (typeof reviewReasons)[number];

/** What is decided about an answer. */
export interface ResponseDecision {
  /** From 0 to 1. */
  readonly confidence: number;
  /** Empty: people need not see it. */
  readonly reasons: readonly ReviewReason[];
  /** Ids of the articles that it comes from, the best first. */
  readonly sources: readonly string[];
}

export interface JudgedResponse {
  readonly settings: Pick<ResponseSettings, 'confidenceThreshold' | 'reviewCategories'>;
  readonly query: string;
  readonly passages: readonly GivenPassage[];
  /** The guardrails that have found something in the query or in the answer. */
  readonly guardrailHits: readonly string[];
}

/**
 * Decides whether people must see an answer. Where the knowledge base has passages, the confidence also says how far the
 * search agrees with what the answer comes from; one that cites none of them is not sure of itself.
 */
export function decideAbout(
  { category, cited, confidence: own }: ResponseReply,
  { settings, query, passages, guardrailHits }: JudgedResponse,
): ResponseDecision {
  const agreement = agreementOf(query, passages, cited) ?? 0;
  const confidence = passages.length === 0 ? Math.round(own * 100) / 100 : calibrate({ agreement, own });
  const sources = [...new Set(passages.filter(({ id }) => cited.includes(id)).map(({ articleId }) => articleId))];
  const isTrue: Record<ReviewReason, boolean> = {
    low_confidence: confidence < settings.confidenceThreshold,
    category: settings.reviewCategories.includes(category),
    guardrail: guardrailHits.length > 0,
  };
  return { confidence, sources, reasons: reviewReasons.filter((reason) => isTrue[reason]) };
}
