export type { Analytics, AnalyticsParams, Figures, FiguresOfGroup } from './analytics.ts';
export { ChatClient } from './client.ts';
export type {
  ChatEvent,
  ChatResponse,
  Conversation,
  ConversationChange,
  ConversationFilter,
  ConversationPage,
  ConversationStatus,
  ConversationSummary,
  EscalationReason,
  Feedback,
  FeedbackParams,
  Message,
  MessageParams,
  SourceArticle,
} from './conversations.ts';
export {
  ApiError,
  AuthenticationError,
  BadRequestError,
  ChatConnectionError,
  ChatError,
  ChatTimeoutError,
  ConfigurationError,
  ConflictError,
  NotFoundError,
  PermissionDeniedError,
  RateLimitError,
  ServerError,
  StreamError,
} from './errors.ts';
export type {
  Article,
  ArticleChange,
  ArticleFilter,
  ArticlePage,
  ArticleStatus,
  ArticleSummary,
  ArticleVersion,
  KnowledgeBase,
  NewArticle,
  SavedArticle,
  SearchResult,
  SearchResults,
} from './knowledge-base.ts';
export type { ChatClientOptions, RequestOptions, VisitorStorage } from './options.ts';
export type { RetryNotice } from './retries.ts';
export type { RateLimit } from './transport.ts';
