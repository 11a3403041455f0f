import type { SupportStatus } from '../../../database/support/conversations.ts';
import type { GovernanceContext } from '../context.ts';

/** What the support desk works with. */
export type SupportContext = Pick<GovernanceContext, 'inForce' | 'store' | 'pipeline'>;

/** What a customer gets for a message. */
export interface SupportAnswer {
  readonly conversationId: string;
  readonly messageId: string;
  readonly response: string;
  /** From 0 to 1. */
  readonly confidence: number;
  /** Ids of articles. */
  readonly sources: readonly string[];
  readonly status: SupportStatus;
  readonly reason: string | null;
  readonly assignedAgent: string | null;
  readonly at: Date;
}

/** What somebody who reads the answer while it is made hears. */
export interface SupportListener {
  /** The message is stored. */
  readonly begun: (turn: { readonly conversationId: string; readonly messageId: string }) => void;
  /** More of an answer that may be given. */
  readonly text: (text: string) => void;
}
