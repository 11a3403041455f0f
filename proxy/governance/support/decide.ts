import type { EscalationReason } from '../../../database/support/conversations.ts';
import { agreementOf, calibrate } from './confidence.ts';
import type { GivenPassage } from './prompt.ts';
import type { DeskReply } from './reply.ts';
import type { SupportSettings } from './settings.ts';
import { type SupportTexts, sayHandover } from './texts.ts';

/** What a customer gets, and whether a human takes over. */
export interface DeskDecision {
  readonly text: string;
  readonly confidence: number;
  /** Ids of articles. */
  readonly sources: readonly string[];
  /** Undefined: the machine goes on. */
  readonly reason: EscalationReason | undefined;
  /** The customer's, as ISO 639-1. Undefined: the model has not said. */
  readonly language: string | undefined;
  /** How the customer feels in the message. */
  readonly sentiment: DeskReply['sentiment'];
}

export interface Judged {
  readonly settings: Pick<SupportSettings, 'confidenceThreshold' | 'textsIn'>;
  readonly question: string;
  readonly passages: readonly GivenPassage[];
  /** Whether a text says what it must not. */
  readonly leaks: (text: string) => boolean;
}

/**
 * Decides about a model's reply. An answer that no passage stands behind, that is not sure enough, or that says what it
 * must not, is not given. What asks for nothing needs no passage, unless a human takes over: then our own words do.
 */
export function decide(reply: DeskReply, { settings, question, passages, leaks }: Judged): DeskDecision {
  const { confidenceThreshold, textsIn } = settings;
  const isSafe = reply.answer !== '' && !leaks(reply.answer);
  const agreement = agreementOf(question, passages, reply.cited);
  const parts = agreement === undefined ? undefined : { agreement, own: reply.confidence };
  const asksNothing = !reply.isQuestion && reply.cited.length === 0;
  const confidence = isSafe ? (asksNothing ? reply.confidence : calibrate(parts)) : 0;
  const isFounded = isSafe && parts !== undefined && confidence >= confidenceThreshold;
  const reason = reasonOf(reply) ?? (isFounded || (isSafe && asksNothing) ? undefined : 'low_confidence');
  const isGiven = isFounded || reason === undefined;
  const { language, sentiment } = reply;
  return {
    text: [...(isGiven ? [reply.answer] : []), ...sayEnd(reason, textsIn(language))].join('\n\n'),
    confidence,
    sources: isGiven ? articlesOf(reply.cited, passages) : [],
    ...{ reason, language, sentiment },
  };
}

function sayEnd(reason: EscalationReason | undefined, texts: SupportTexts): string[] {
  if (reason === undefined) return [];
  return [...(reason === 'low_confidence' ? [texts.unknown] : []), sayHandover(texts, reason)];
}

/** What hands a conversation over however good the answer is. */
function reasonOf({ wantsHuman, topics, sentiment }: DeskReply): EscalationReason | undefined {
  if (wantsHuman) return 'customer_request';
  if (topics.length > 0) return 'topic';
  return sentiment === 'very_negative' ? 'negative_sentiment' : undefined;
}

/** The articles of the passages that are cited, the best first. */
function articlesOf(cited: readonly string[], passages: readonly GivenPassage[]): string[] {
  return [...new Set(passages.filter(({ id }) => cited.includes(id)).map(({ articleId }) => articleId))];
}
