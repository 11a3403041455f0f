/** `active`: the machine answers. `escalated`: a human has it. */
export type ConversationStatus = 'active' | 'escalated' | 'resolved';

/** Why a conversation was handed over. There may be more of them in later versions. */
export type EscalationReason =
  | 'customer_request'
  | 'topic'
  | 'negative_sentiment'
  | 'low_confidence'
  | 'turn_limit'
  | 'manual'
  | (string & {});

export interface MessageParams {
  readonly message: string;
  /** The customer, by your id. Only with a public key it may be left out: there it is the visitor. */
  readonly userId?: string | undefined;
  /** Such as `chat`, `email` or `api`. */
  readonly channel?: string | undefined;
  /** Continues this conversation. */
  readonly conversationId?: string | undefined;
  /** Further facts about the customer, kept from the first message. Its names stay as they are. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** `agent`: what a human of the desk answers, for reviewers and admins. */
  readonly sender?: 'user' | 'agent' | undefined;
}

/** An article that an answer comes from. */
export interface SourceArticle {
  readonly articleId: string;
  readonly title: string;
  /** Where the organization shows it. */
  readonly url: string | null;
}

export interface ChatResponse {
  readonly conversationId: string;
  readonly messageId: string;
  /** What the customer reads. */
  readonly answer: string;
  /** How likely the answer is right, from 0 to 1. */
  readonly confidence: number;
  /** Ids of the articles that the answer comes from. */
  readonly sources: readonly string[];
  /** Those of them that are published. Absent from servers before it was there. */
  readonly sourceArticles?: readonly SourceArticle[];
  readonly escalated: boolean;
  readonly status: ConversationStatus;
  readonly reason: EscalationReason | null;
  readonly assignedAgent: string | null;
  /** ISO 8601. */
  readonly timestamp: string;
}

/** What happens while an answer is made. */
export type ChatEvent =
  | { readonly type: 'message'; readonly conversationId: string; readonly messageId: string }
  /** More of the answer. */
  | { readonly type: 'delta'; readonly text: string }
  /** The whole answer. It counts: a hand-over adds to what the deltas said. */
  | { readonly type: 'done'; readonly response: ChatResponse };

export interface ConversationSummary {
  readonly conversationId: string;
  readonly userId: string;
  readonly channel: string;
  readonly status: ConversationStatus;
  readonly reason: EscalationReason | null;
  readonly assignedAgent: string | null;
  /** The customer's, as ISO 639-1. Null: not known. */
  readonly language: string | null;
  readonly messageCount: number;
  /** From 1 to 5. */
  readonly rating: number | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly resolvedAt: string | null;
  /** Absent with a public key. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Of all answers, in US dollars. Absent with a public key. */
  readonly costUsd?: number;
}

export interface Message {
  readonly id: string;
  readonly sender: 'user' | 'ai' | 'agent';
  readonly content: string;
  readonly status: 'pending' | 'completed' | 'failed' | 'withheld' | 'interrupted';
  readonly confidence?: number;
  readonly sources?: readonly string[];
  readonly sourceArticles?: readonly SourceArticle[];
  readonly errorCode?: string;
  readonly timestamp: string;
}

export interface Conversation extends ConversationSummary {
  readonly messages: readonly Message[];
}

export interface ConversationFilter {
  readonly status?: ConversationStatus | undefined;
  readonly channel?: string | undefined;
  readonly userId?: string | undefined;
  readonly assignedAgent?: string | undefined;
  readonly reason?: EscalationReason | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

export interface ConversationPage {
  readonly conversations: readonly ConversationSummary[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
}

export interface ConversationChange {
  readonly status?: ConversationStatus | undefined;
  /** Null: nobody. Absent in a hand-over: the next one on the rota. */
  readonly assignedAgent?: string | null | undefined;
}

export interface FeedbackParams {
  readonly conversationId: string;
  /** From 1 to 5. */
  readonly rating: number;
  readonly comment?: string | undefined;
}

export interface Feedback {
  readonly conversationId: string;
  readonly rating: number;
  readonly timestamp: string;
}
