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
export { InsightsClient, type InsightsClientOptions } from './insights/client.ts';
export type {
  Classification,
  ClassifyParams,
  Embeddings,
  EmbedParams,
  ExplainParams,
  Explanation,
  FeatureImportance,
  GeneratedText,
  GenerateParams,
  ListedModel,
  ListedModels,
  TextEvent,
  TokenUsage,
} from './insights/models.ts';
export type {
  DecisionParams,
  DraftedResponse,
  QueuedReview,
  ResponseParams,
  ReviewDecision,
  ReviewParams,
} from './insights/reviews.ts';
export type {
  AnonymizedText,
  AnonymizeParams,
  BatchParams,
  BatchResult,
  BatchResults,
  BatchSummary,
  Credentials,
  FairnessFinding,
  FairnessParams,
  FairnessReport,
  GroupFigures,
  Login,
  QueuedBatch,
  RestoredText,
  Sentiment,
  SentimentParams,
  SentimentShares,
} from './insights/texts.ts';
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
