import type { Analytics, AnalyticsParams } from './analytics.ts';
import type {
  ChatEvent,
  ChatResponse,
  Conversation,
  ConversationChange,
  ConversationFilter,
  ConversationPage,
  ConversationSummary,
  Feedback,
  FeedbackParams,
  MessageParams,
} from './conversations.ts';
import { KnowledgeBase } from './knowledge-base.ts';
import { type ChatClientOptions, checkOptions, type RequestOptions } from './options.ts';
import { tellEvents, toChatResponse, type WireAnswer } from './stream.ts';
import { makeTransport, type RateLimit, type Transport } from './transport.ts';

const root = '/conversations';
const at = (conversationId: string) => `${root}/${encodeURIComponent(conversationId)}`;

/**
 * A client of the support desk. Each method throws a `ChatError`, or the reason of its abort signal, and repeats what may
 * pass: refused connections, timeouts, 429 and 5xx. A POST has an `Idempotency-Key`, so what has arrived is not done twice.
 */
export class ChatClient {
  /** The articles that answers come from. */
  readonly knowledgeBase: KnowledgeBase;
  readonly #transport: Transport;

  /** @throws {ConfigurationError} */
  constructor(options: ChatClientOptions) {
    this.#transport = makeTransport(checkOptions(options));
    this.knowledgeBase = new KnowledgeBase(this.#transport);
  }

  /** How many requests may be made, as the last answer said it. Undefined before the first one. */
  get rateLimit(): RateLimit | undefined {
    return this.#transport.rateLimit();
  }

  /** Begins a conversation, or continues one, and waits for the answer. */
  async sendMessage(message: MessageParams, options?: RequestOptions): Promise<ChatResponse> {
    const answer = await this.#transport.send<WireAnswer>({ method: 'POST', path: root, body: message }, options);
    return toChatResponse(answer);
  }

  /**
   * Sends a message, and tells the answer while it is made. Leaving the loop ends the connection. Where the connection
   * breaks, the loop goes on with what it has not got yet.
   *
   * @throws {StreamError} what the server says has gone wrong after the beginning; `getConversation` shows what has become
   *   of the message
   * @throws {ChatError} `stream_interrupted`: the server has died, and begun another answer
   */
  async *streamMessage(message: MessageParams, options?: RequestOptions): AsyncGenerator<ChatEvent, void, undefined> {
    const body = { ...message, stream: true };
    yield* tellEvents(this.#transport.begin({ method: 'POST', path: root, body }, options));
  }

  /** Gets a conversation with its messages. */
  getConversation(conversationId: string, options?: RequestOptions): Promise<Conversation> {
    return this.#transport.send({ method: 'GET', path: at(conversationId) }, options);
  }

  /** Lists conversations, those that changed last first. For analysts, reviewers and admins. */
  listConversations(filter: ConversationFilter = {}, options?: RequestOptions): Promise<ConversationPage> {
    return this.#transport.send({ method: 'GET', path: root, query: filter }, options);
  }

  /** Hands a conversation over, gives it back, or ends it. */
  updateConversation(
    conversationId: string,
    change: ConversationChange,
    options?: RequestOptions,
  ): Promise<ConversationSummary> {
    return this.#transport.send({ method: 'PATCH', path: at(conversationId), body: change }, options);
  }

  /** Ends a conversation. Another message makes it active again. */
  resolve(conversationId: string, options?: RequestOptions): Promise<ConversationSummary> {
    return this.updateConversation(conversationId, { status: 'resolved' }, options);
  }

  /** Hands a conversation over: to this agent, or to the next one on the rota. */
  escalate(
    conversationId: string,
    { assignedAgent }: { readonly assignedAgent?: string } = {},
    options?: RequestOptions,
  ): Promise<ConversationSummary> {
    return this.updateConversation(conversationId, { status: 'escalated', assignedAgent }, options);
  }

  /** Rates a conversation, from 1 to 5. A second rating takes the place of the first. */
  submitFeedback({ conversationId, ...feedback }: FeedbackParams, options?: RequestOptions): Promise<Feedback> {
    return this.#transport.send({ method: 'POST', path: `${at(conversationId)}/feedback`, body: feedback }, options);
  }

  /** Reads figures of a period. For analysts, reviewers and admins. */
  getAnalytics({ metrics, ...period }: AnalyticsParams, options?: RequestOptions): Promise<Analytics> {
    const query = { ...period, ...(metrics && { metrics: metrics.join(',') }) };
    return this.#transport.send({ method: 'GET', path: '/analytics', query }, options);
  }
}
