import type { HeldAnswer } from '../../guardrails/call-guard.ts';

export type { HeldAnswer } from '../../guardrails/call-guard.ts';

/** What has become of an answer that a guardrail held. */
export type HeldState = {
  readonly itemId: string;
  /** The guardrail's name, and what it looks for. */
  readonly rule: { readonly name: string; readonly detector: string };
} & (
  | { readonly outcome: 'waiting' }
  /** `text`: as a reviewer has edited it. Undefined: as it was. */
  | { readonly outcome: 'released'; readonly text: string | undefined }
  /** `isExpired`: nobody has decided in time. */
  | { readonly outcome: 'rejected'; readonly isExpired: boolean }
);

/** Answers that guardrails keep from callers until a person releases them. */
export interface HeldAnswers {
  /**
   * Puts an answer into the review queue. A stored response is there once, however often this is called.
   *
   * @returns the id of its item
   * @throws {ProxyError} `store_unavailable`, `contents_not_stored`
   */
  hold(held: HeldAnswer): Promise<string>;
  /**
   * Finds what has become of a user's stored response. Undefined: nothing held it.
   *
   * @throws {ProxyError} `store_unavailable`
   */
  stateOf(responseId: string, userId: string): Promise<HeldState | undefined>;
}
