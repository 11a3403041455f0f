import { ChatError } from '../errors.ts';
import { type ChatClientOptions, type ClientSettings, checkOptions, type RequestOptions } from '../options.ts';
import { makeTransport, type RateLimit, type Transport } from '../transport.ts';
import { Deployments } from './deployments.ts';
import { type LiveEvent, type WatchOptions, watchLive } from './live.ts';
import type {
  Classification,
  ClassifyParams,
  Embeddings,
  EmbedParams,
  ExplainParams,
  Explanation,
  GeneratedText,
  GenerateParams,
  ListedModels,
  TextEvent,
} from './models.ts';
import { ReviewQueue } from './review-queue.ts';
import type { DraftedResponse, ResponseParams } from './reviews.ts';
import { tellText } from './stream.ts';
import type { Summary, SummaryParams } from './summary.ts';
import type {
  AnonymizedText,
  AnonymizeParams,
  BatchParams,
  BatchResults,
  Credentials,
  FairnessParams,
  FairnessReport,
  FairnessUpload,
  Login,
  QueuedBatch,
  RestoredText,
  Sentiment,
  SentimentParams,
} from './texts.ts';
import { TrainingJobs } from './training.ts';

/** What a client of the insights API is made of: as one of the support desk, without what pages need. */
export type InsightsClientOptions = Omit<ChatClientOptions, 'storage'>;

/**
 * A client of the insights API: what customers say and how they fare. Each method throws a `ChatError`, or the reason of
 * its abort signal, and repeats what may pass, as `ChatClient` does.
 */
export class InsightsClient {
  /** Answers that people look at. */
  readonly reviews: ReviewQueue;
  /** Models that are trained in the cluster. */
  readonly trainingJobs: TrainingJobs;
  /** Trained models that answer calls. */
  readonly deployments: Deployments;
  readonly #settings: ClientSettings;
  readonly #transport: Transport;
  #token: string;
  #login: Login | undefined;

  /** @throws {ConfigurationError} */
  constructor(options: InsightsClientOptions) {
    const settings = checkOptions(options);
    this.#token = settings.apiKey;
    const token = () => this.#token;
    this.#settings = {
      ...settings,
      get apiKey() {
        return token();
      },
    };
    this.#transport = makeTransport(this.#settings, readData);
    this.reviews = new ReviewQueue(this.#transport);
    this.trainingJobs = new TrainingJobs(this.#transport);
    this.deployments = new Deployments(this.#transport);
  }

  /** Logs in with a password, and makes a client that sends the token. */
  static async logIn(
    credentials: Credentials,
    options: Omit<InsightsClientOptions, 'apiKey'>,
    request?: RequestOptions,
  ): Promise<InsightsClient> {
    const client = new InsightsClient({ ...options, apiKey: 'none' });
    client.#keep(await client.#post('/auth/login', credentials, request));
    return client;
  }

  /** How the client is logged in. Undefined: it was made with a key or a token. */
  get login(): Login | undefined {
    return this.#login;
  }

  /** How many requests may be made, as the last answer said it. Undefined before the first one. */
  get rateLimit(): RateLimit | undefined {
    return this.#transport.rateLimit();
  }

  /** Replaces the token of the login by a new one. */
  async refreshLogin(options?: RequestOptions): Promise<Login> {
    const { refreshToken } = this.#requireLogin();
    return this.#keep(await this.#post('/auth/refresh', { refreshToken }, options));
  }

  /** Ends the login, with all of its tokens. */
  async logOut(options?: RequestOptions): Promise<void> {
    this.#requireLogin();
    await this.#post('/auth/logout', {}, options);
    this.#login = undefined;
  }

  /** Says how a text sounds. */
  analyzeSentiment(params: SentimentParams, options?: RequestOptions): Promise<Sentiment> {
    return this.#post('/analyze/sentiment', params, options);
  }

  /** Says how many texts sound, and waits for all of them. */
  analyzeBatch(params: BatchParams, options?: RequestOptions): Promise<BatchResults> {
    return this.#post('/analyze/batch', params, options);
  }

  /** Leaves a batch to a worker. */
  queueBatch(params: BatchParams, options?: RequestOptions): Promise<QueuedBatch> {
    return this.#post('/analyze/batch', { ...params, async: true }, options);
  }

  /** Says how far a batch is that a worker judges; at the end, with its results. */
  getBatch(batchId: string, options?: RequestOptions): Promise<QueuedBatch> {
    return this.#transport.send({ method: 'GET', path: `/analyze/batch/${encodeURIComponent(batchId)}` }, options);
  }

  /** Replaces personal data by placeholders. */
  anonymize(params: AnonymizeParams, options?: RequestOptions): Promise<AnonymizedText> {
    return this.#post('/privacy/anonymize', params, options);
  }

  /** Puts the values of a kept mapping back. */
  restore(mappingId: string, text: string, options?: RequestOptions): Promise<RestoredText> {
    return this.#post('/privacy/restore', { mappingId, text }, options);
  }

  /** Forgets a kept mapping. */
  async deleteMapping(mappingId: string, options?: RequestOptions): Promise<void> {
    const path = `/privacy/mappings/${encodeURIComponent(mappingId)}`;
    await this.#transport.send({ method: 'DELETE', path }, options);
  }

  /** Compares how groups fare. For analysts, reviewers and admins. */
  analyzeFairness(params: FairnessParams, options?: RequestOptions): Promise<FairnessReport> {
    return this.#post('/fairness/analyze', params, options);
  }

  /** Compares how groups fare by a dataset of any length. It may take five minutes, unless `timeoutMs` says otherwise. */
  uploadFairness({ content, format, encoding, ...asked }: FairnessUpload, options?: RequestOptions) {
    const { attributes, outcomeColumns, ...terms } = asked;
    const query = { ...terms, attributes: attributes.join(','), outcomeColumns: outcomeColumns.join(',') };
    const headers = {
      'content-type': format === 'csv' ? 'text/csv' : 'application/x-ndjson',
      ...(encoding && { 'content-encoding': encoding }),
    };
    const request = { method: 'POST', path: '/fairness/analyze/upload', query, upload: { content, headers } } as const;
    return this.#transport.send<FairnessReport>(request, { timeoutMs: 300_000, ...options });
  }

  /** Drafts an answer to a customer. One that a person must see is queued for review by itself. */
  generateResponse(params: ResponseParams, options?: RequestOptions): Promise<DraftedResponse> {
    return this.#post('/generate/response', params, options);
  }

  /** Sums up what customers said. For analysts, reviewers and admins. */
  getSummary(params: SummaryParams = {}, options?: RequestOptions): Promise<Summary> {
    return this.#transport.send({ method: 'GET', path: '/analytics/summary', query: params }, options);
  }

  /**
   * Tells what happens, until the loop is left: for analysts, reviewers and admins. A session that ends is begun anew.
   *
   * @throws {ChatError} where the caller may not watch, or not any more
   */
  watch(options: WatchOptions = {}): AsyncGenerator<LiveEvent, never> {
    const request = { method: 'GET', path: '/websocket', isAtRoot: true } as const;
    const explain = () => this.#transport.send(request, { maxRetries: 0, signal: options.signal });
    return watchLive({ ...options, settings: this.#settings, explain });
  }

  /** Lists the models that can be asked. */
  listModels(options?: RequestOptions): Promise<ListedModels> {
    return this.#transport.send({ method: 'GET', path: '/ai/providers' }, options);
  }

  /** Has a model write a text. */
  generate(params: GenerateParams, options?: RequestOptions): Promise<GeneratedText> {
    return this.#post('/ai/generate', params, options);
  }

  /**
   * Has a model write a text, and tells it while it is written. Leaving the loop ends the connection.
   *
   * @throws {StreamError} what the server says has gone wrong after the beginning
   */
  async *streamText(params: GenerateParams, options?: RequestOptions): AsyncGenerator<TextEvent, void, undefined> {
    const body = { ...params, stream: true };
    yield* tellText(this.#transport.begin({ method: 'POST', path: '/ai/generate', body }, options));
  }

  /** Has a model make vectors of texts. */
  embed(params: EmbedParams, options?: RequestOptions): Promise<Embeddings> {
    return this.#post('/ai/embed', params, options);
  }

  /** Has a model say which category a text belongs to. */
  classify(params: ClassifyParams, options?: RequestOptions): Promise<Classification> {
    return this.#post('/ai/classify', params, options);
  }

  /** Says what each word of a text adds to what a model says of it. */
  explain({ modelName, ...data }: ExplainParams, options?: RequestOptions): Promise<Explanation> {
    return this.#post('/ai/explain', { modelName, data, explanationMethod: 'shap' }, options);
  }

  #post<T>(path: string, body: object, options?: RequestOptions): Promise<T> {
    return this.#transport.send({ method: 'POST', path, body }, options);
  }

  #keep(login: Login): Login {
    this.#login = login;
    this.#token = login.token;
    return login;
  }

  #requireLogin(): Login {
    if (this.#login) return this.#login;
    throw new ChatError('not_logged_in', 'The client was not made by logIn, or has logged out');
  }
}

/** What counts of an answer. @throws {ChatError} `invalid_answer` */
function readData(answer: unknown): unknown {
  if (typeof answer === 'object' && answer !== null && 'data' in answer) return answer.data;
  throw new ChatError('invalid_answer', 'The server answers something else than this API does: is baseUrl right?');
}
