import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeSpans } from './otlp.ts';
import { type PostAnswer, post } from './post.ts';
import type { TraceSettings } from './settings.ts';
import type { Attributes, Span } from './span.ts';

/** What became of spans: the receiver has them, it refused them, it could not be reached, or too many waited. */
export type SpanResult = 'exported' | 'rejected' | 'failed' | 'dropped';

export interface ExporterOptions {
  readonly settings: Pick<TraceSettings, 'url' | 'headers' | 'timeoutMs'>;
  /** Of this process. */
  readonly resource: Attributes;
  /** Of this program. */
  readonly version: string;
  /** Makes the agent for a connection by a forward proxy. Absent: connections are direct. */
  readonly agentFor?: ((url: URL) => Promise<Agent | undefined>) | undefined;
  readonly onResult: (result: SpanResult, spans: number) => void;
  /** Called once, until spans arrive again. */
  readonly onFailure: (reason: string) => void;
  /** Absent: the usual limits. */
  readonly limits?: Partial<ExporterLimits>;
}

export interface ExporterLimits {
  /** How many spans may wait. Further ones are dropped. */
  readonly waiting: number;
  /** The size of the text in the waiting spans, roughly. */
  readonly waitingBytes: number;
  readonly batch: number;
  /** How long a span waits for others. */
  readonly gatherMs: number;
  /** How often a batch is sent, and the pause after the first failure, which doubles. */
  readonly attempts: number;
  readonly pauseMs: number;
  /** How long the last spans may take when the exporter closes. */
  readonly closeMs: number;
}

const usual: ExporterLimits = {
  waiting: 2_048,
  waitingBytes: 8 * 1024 * 1024,
  batch: 512,
  gatherMs: 1_000,
  attempts: 5,
  pauseMs: 1_000,
  closeMs: 1_000,
};

/** A receiver may ask for a longer pause, up to this one. */
const longestPauseMs = 30_000;

/** Sends spans in batches, and never makes anybody wait. */
export interface Exporter {
  /** Takes all of these spans, or drops them. */
  add(spans: readonly Span[]): void;
  /** Sends what waits once more, and stops. */
  close(): Promise<void>;
}

export function makeExporter(options: ExporterOptions): Exporter {
  return new QueueingExporter(options);
}

class QueueingExporter implements Exporter {
  readonly #options: ExporterOptions;
  readonly #limits: ExporterLimits;
  readonly #url: URL;
  readonly #stopped = new AbortController();
  #waiting: Span[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #agent: Promise<Agent | undefined> | undefined;
  #isFailing = false;
  #isClosed = false;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#limits = { ...usual, ...options.limits };
    this.#url = new URL(options.settings.url);
  }

  add(spans: readonly Span[]): void {
    const bytes = spans.reduce((sum, span) => sum + textBytes(span), 0);
    const { waiting, waitingBytes, batch, gatherMs } = this.#limits;
    if (this.#isClosed || this.#waiting.length + spans.length > waiting || this.#waitingBytes + bytes > waitingBytes) {
      this.#options.onResult('dropped', spans.length);
      return;
    }
    this.#waiting.push(...spans);
    this.#waitingBytes += bytes;
    if (this.#sending) return;
    if (this.#waiting.length >= batch) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), gatherMs).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const end = setTimeout(() => this.#stopped.abort(), this.#limits.closeMs);
    // A pause between two attempts would take longer than there is time.
    if (this.#isFailing) this.#stopped.abort();
    await this.#sending;
    this.#send();
    await this.#sending;
    clearTimeout(end);
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, this.#limits.batch);
      this.#waiting = this.#waiting.slice(batch.length);
      this.#waitingBytes -= batch.reduce((sum, span) => sum + textBytes(span), 0);
      const result = await this.#sendBatch(batch);
      const { onResult } = this.#options;
      if (result.accepted > 0) onResult('exported', result.accepted);
      if (result.accepted < batch.length) onResult(result.otherwise, batch.length - result.accepted);
    }
  }

  async #sendBatch(
    batch: readonly Span[],
  ): Promise<{ readonly accepted: number; readonly otherwise: 'failed' | 'rejected' }> {
    const { resource, version } = this.#options;
    const body = encodeSpans(resource, version, batch);
    let pauseMs = this.#limits.pauseMs;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#post(body);
      if (!(answer instanceof Error) && answer.status >= 200 && answer.status < 300) {
        this.#isFailing = false;
        return { accepted: batch.length - this.#rejectedBy(answer, batch.length), otherwise: 'rejected' };
      }
      this.#fails(answer instanceof Error ? describe(answer) : `it answers ${answer.status}`);
      // By the protocol, any other answer would be the same the next time.
      if (!(answer instanceof Error) && ![429, 502, 503, 504].includes(answer.status))
        return { accepted: 0, otherwise: 'rejected' };
      if (attempt >= this.#limits.attempts || this.#stopped.signal.aborted) return { accepted: 0, otherwise: 'failed' };
      const asked = answer instanceof Error ? undefined : answer.retryAfterS;
      // Many processes lose the same receiver at the same time.
      const ownMs = pauseMs * (0.5 + Math.random());
      await this.#pause(asked === undefined ? ownMs : Math.min(asked * 1_000, longestPauseMs));
      pauseMs *= 2;
    }
  }

  async #post(body: string): Promise<PostAnswer | Error> {
    const { settings, agentFor } = this.#options;
    this.#agent ??= agentFor?.(this.#url) ?? Promise.resolve(undefined);
    const { signal } = this.#stopped;
    try {
      return await post({ ...settings, url: this.#url, body, signal, agent: await this.#agent });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #pause(ms: number): Promise<void> {
    return delay(ms, undefined, { ref: false, signal: this.#stopped.signal }).catch(() => {});
  }

  /** How many spans a receiver refused that took the others. */
  #rejectedBy({ text }: PostAnswer, most: number): number {
    const { partialSuccess } = parse(text);
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    if (!(rejected > 0)) return 0;
    this.#fails(`it refuses spans: ${String(partialSuccess?.errorMessage ?? '').slice(0, 200)}`);
    return Math.min(rejected, most);
  }

  #fails(reason: string): void {
    if (!this.#isFailing) this.#options.onFailure(reason);
    this.#isFailing = true;
  }
}

interface ExportAnswer {
  readonly partialSuccess?: { readonly rejectedSpans?: unknown; readonly errorMessage?: unknown } | null;
}

function parse(text: string): ExportAnswer {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    return {};
  }
}

function describe(error: Error): string {
  const { cause } = error;
  const isLate = error.name === 'TimeoutError' || (cause instanceof Error && cause.name === 'TimeoutError');
  if (isLate) return 'it does not answer in time';
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.message;
}

/** What the texts of a span take, and a little for each attribute. */
function textBytes({ attributes }: Span): number {
  let bytes = 200;
  for (const name in attributes) {
    const value = attributes[name];
    bytes += 50 + (typeof value === 'string' ? value.length : 0);
  }
  return bytes;
}
