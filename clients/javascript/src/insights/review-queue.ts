import type { RequestOptions } from '../options.ts';
import type { Transport } from '../transport.ts';
import type {
  DecisionParams,
  QueuedReview,
  ReviewAgreement,
  ReviewChange,
  ReviewComment,
  ReviewDecision,
  ReviewFilter,
  ReviewPage,
  ReviewParams,
  WholeReviewItem,
} from './reviews.ts';
import type { Period } from './summary.ts';

const root = '/review/items';
const at = (itemId: string) => `${root}/${encodeURIComponent(itemId)}`;

/** Answers that people look at. */
export class ReviewQueue {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Queues an answer. */
  queue(params: ReviewParams, options?: RequestOptions): Promise<QueuedReview> {
    return this.#transport.send({ method: 'POST', path: '/review/queue', body: params }, options);
  }

  /** Decides about an item. For reviewers and admins. */
  decide(params: DecisionParams, options?: RequestOptions): Promise<ReviewDecision> {
    return this.#transport.send({ method: 'POST', path: '/review/decision', body: params }, options);
  }

  /** Lists items: open ones in the order of their turn, then decided ones, the latest first. For staff. */
  list(filter: ReviewFilter = {}, options?: RequestOptions): Promise<ReviewPage> {
    return this.#transport.send({ method: 'GET', path: root, query: filter }, options);
  }

  /** Gets an item: any for staff, else one that you have queued. */
  get(itemId: string, options?: RequestOptions): Promise<WholeReviewItem> {
    return this.#transport.send({ method: 'GET', path: at(itemId) }, options);
  }

  /** Changes the priority or the category. For reviewers and admins. */
  update(itemId: string, change: ReviewChange, options?: RequestOptions): Promise<WholeReviewItem> {
    return this.#transport.send({ method: 'PATCH', path: at(itemId), body: change }, options);
  }

  /** Claims the item whose turn it is. No two reviewers get one. Null: there is none. */
  async claimNext(filter: ReviewChange = {}, options?: RequestOptions): Promise<WholeReviewItem | null> {
    const request = { method: 'POST', path: '/review/claim', body: filter } as const;
    return (await this.#transport.send<{ item: WholeReviewItem | null }>(request, options)).item;
  }

  /** Claims an item, or keeps one longer. */
  claim(itemId: string, options?: RequestOptions): Promise<WholeReviewItem> {
    return this.#transport.send({ method: 'POST', path: `${at(itemId)}/claim` }, options);
  }

  /** Gives a claimed item back. */
  release(itemId: string, options?: RequestOptions): Promise<WholeReviewItem> {
    return this.#transport.send({ method: 'POST', path: `${at(itemId)}/release` }, options);
  }

  /** Gives an item to another reviewer. */
  reassign(itemId: string, reviewerId: string, options?: RequestOptions): Promise<WholeReviewItem> {
    return this.#transport.send({ method: 'POST', path: `${at(itemId)}/reassign`, body: { reviewerId } }, options);
  }

  /** Comments on an item. For staff. */
  comment(itemId: string, text: string, options?: RequestOptions): Promise<ReviewComment> {
    return this.#transport.send({ method: 'POST', path: `${at(itemId)}/comments`, body: { text } }, options);
  }

  /** Says how far reviewers agree about the items that two of them have seen. For staff. */
  agreement(period: Period = {}, options?: RequestOptions): Promise<ReviewAgreement> {
    return this.#transport.send({ method: 'GET', path: '/review/agreement', query: period }, options);
  }
}
