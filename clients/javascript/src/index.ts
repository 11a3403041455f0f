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
  AutoScaling,
  Deployment,
  DeploymentList,
  Deployments,
  DeployParams,
  Prediction,
  Predictions,
  ResourceRequirements,
} from './insights/deployments.ts';
export type {
  LiveEvent,
  QueueDepth,
  QueueUpdate,
  SentimentAlert,
  SystemStatus,
  WatchOptions,
} from './insights/live.ts';
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
export type { ReviewQueue } from './insights/review-queue.ts';
export type {
  DecisionParams,
  DraftedResponse,
  GivenDecision,
  QueuedReview,
  ResponseParams,
  ReviewAgreement,
  ReviewChange,
  ReviewComment,
  ReviewDecision,
  ReviewerPair,
  ReviewFilter,
  ReviewItem,
  ReviewPage,
  ReviewParams,
  ReviewStatus,
  WholeReviewItem,
} from './insights/reviews.ts';
export type { Period, Summary, SummaryParams } from './insights/summary.ts';
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
  FairnessUpload,
  GroupFigures,
  Login,
  QueuedBatch,
  RestoredText,
  Sentiment,
  SentimentParams,
  SentimentShares,
} from './insights/texts.ts';
export type {
  StartedTraining,
  TrainingFilter,
  TrainingJob,
  TrainingJobs,
  TrainingPage,
  TrainingParams,
  TrainingStatus,
} from './insights/training.ts';
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
export type { RateLimit, UploadContent } from './transport.ts';
