import type { IncomingHttpHeaders } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import type { Dispatcher } from 'undici';
import { ProxyError } from '../error.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import type { ProviderAdapter } from './adapter.ts';
import { forwardableHeaders } from './answer-headers.ts';
import type { AnswerSink } from './answer-sink.ts';
import { type EntraTokens, makeEntraTokens } from './azure/entra-tokens.ts';
import type { Connections } from './connections.ts';
import { makeDecoder } from './content-encoding.ts';
import { toProblem } from './failure.ts';
import { makeSecret, type Secret } from './redact.ts';
import { RedactingSink } from './redacting-sink.ts';
import { type ProviderTable, providerTable } from './table.ts';

/** A request to a provider. */
export interface ProviderRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path below the provider's base URL, with the query, as OpenAI has it. */
  readonly path: string;
  /** The provider's name for the model of the call. Absent: the request is about no model. */
  readonly model?: string | undefined;
  readonly key: RoutedKey;
  /** All headers except those that the exchange itself sets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | Buffer | string | undefined;
  /**
   * Whether the event loop has already read what had arrived before. Otherwise the request may have to wait for that.
   * Absent: it has not.
   */
  readonly isTurnEnd?: boolean;
}

/** A request that is on its way. */
export interface Sent {
  /** Continues an answer that its sink had paused. */
  resume(): void;
  /** Aborts the request. Its sink gets `fail` at once, with this reason as the cause. */
  abort(reason: Error): void;
  /** Aborts the request. Its sink hears no more of it. */
  drop(): void;
}

/**
 * The one way to speak to a provider. The sink gets the answer unpacked, without headers that end at this hop, and
 * without the provider key, even if the provider quotes it. It hears of nothing before the sender has the request, so
 * that a sender may send another one when it does.
 */
export type Exchange = (request: ProviderRequest, sink: AnswerSink) => Sent;

/** What is the same for all requests with a key. */
interface KeyParts {
  readonly secret: Secret;
  /** Names and values in turn, which undici takes as they are. */
  readonly headers: readonly string[];
  /** Headers that a request may replace. Undefined for most providers. */
  readonly defaults: ProviderAdapter['headers'];
  /** Undefined for most providers. */
  readonly place: ProviderAdapter['place'];
}

/** Makes the exchange over these connections. */
export function makeExchange(
  upstream: Connections,
  providers: ProviderTable = providerTable,
  tokens: EntraTokens = makeEntraTokens(),
): Exchange {
  const parts = new WeakMap<RoutedKey, KeyParts>();
  const partsOf = (key: RoutedKey, text: string): KeyParts => {
    const known = parts.get(key);
    if (known?.secret.text === text) return known;
    // Answers that are compressed all the same are unpacked.
    const { authorize, headers: defaults, place } = providers[key.provider.type];
    const headers = { 'accept-encoding': 'identity', ...authorize(text, key.provider) };
    const made = { secret: makeSecret(text), headers: Object.entries(headers).flat(), defaults, place };
    parts.set(key, made);
    return made;
  };
  const send = (
    { method, path, model, key, headers, body, isTurnEnd = false }: ProviderRequest,
    sink: AnswerSink,
    credential: string | ProxyError,
  ): Sent => {
    const { provider } = key;
    if (credential instanceof ProxyError) return failLater(credential, sink);
    const { secret, headers: keyHeaders, defaults, place } = partsOf(key, credential);
    const parser = new AnswerParser(new RedactingSink(secret, sink), secret);
    upstream.dispatch(
      {
        method,
        origin: provider.origin,
        path: provider.basePath + (place ? place(provider, path, model) : path),
        body: body ?? null,
        headers: flatten(defaults ? { ...defaults, ...headers } : headers, keyHeaders),
        headersTimeout: provider.headersTimeoutMs,
        bodyTimeout: provider.idleTimeoutMs,
        isTurnEnd,
      },
      parser,
    );
    parser.handOver();
    if (provider.connectTimeoutMs !== undefined) parser.limitConnecting(provider.connectTimeoutMs);
    return parser;
  };
  return (request, sink) => {
    const { azure } = request.key.provider;
    const credential = azure?.usesTokens ? (tokens(azure) ?? request.key.secret) : request.key.secret;
    if (!(credential instanceof Promise)) return send(request, sink, credential);
    return new Waiting(sink, credential, (known) => send({ ...request, isTurnEnd: false }, sink, known));
  };
}

/** A request whose credential is not known yet. */
class Waiting implements Sent {
  readonly #sink: AnswerSink;
  #sent: Sent | undefined;
  #isOver = false;

  constructor(sink: AnswerSink, credential: Promise<string | ProxyError>, send: (known: string | ProxyError) => Sent) {
    this.#sink = sink;
    void credential.then((known) => {
      if (!this.#isOver) this.#sent = send(known);
    });
  }

  resume(): void {
    this.#sent?.resume();
  }

  abort(reason: Error): void {
    if (this.#sent) this.#sent.abort(reason);
    else if (!this.#isOver) {
      this.#isOver = true;
      this.#sink.fail(toProblem(reason, false), true);
    }
  }

  drop(): void {
    this.#isOver = true;
    this.#sent?.drop();
  }
}

const noSecret = makeSecret('');

/** A request that is not sent. Its sink hears of it as of any other failure, after the sender has the request. */
function failLater(problem: ProxyError, sink: AnswerSink): Sent {
  const parser = new AnswerParser(sink, noSecret);
  parser.abort(problem);
  parser.handOver();
  return parser;
}

/** @param rest flat already */
function flatten(headers: Readonly<Record<string, string>>, rest: readonly string[]): string[] {
  const flat: string[] = [];
  for (const name in headers) flat.push(name, headers[name] ?? '');
  for (const text of rest) flat.push(text);
  return flat;
}

/** Takes one answer from undici's parser. */
class AnswerParser implements Dispatcher.DispatchHandler, Sent {
  readonly #sink: AnswerSink;
  readonly #secret: Secret;
  #controller: Dispatcher.DispatchController | undefined;
  /** Unpacks a compressed answer. Undefined for most answers. */
  #decoder: Transform | undefined;
  #connecting: NodeJS.Timeout | undefined;
  #hasBegun = false;
  #isOver = false;
  #isHandedOver = false;
  /** What failed before the sender had the request. */
  #early: Error | undefined;

  constructor(sink: AnswerSink, secret: Secret) {
    this.#sink = sink;
    this.#secret = secret;
  }

  /** The sender is about to have the request. */
  handOver(): void {
    this.#isHandedOver = true;
    const early = this.#early;
    if (early) queueMicrotask(() => this.#fail(early));
  }

  resume(): void {
    (this.#decoder ?? this.#controller)?.resume();
  }

  abort(reason: Error): void {
    if (this.#isOver) return;
    // Fail here: if the unpacked answer is bad, all of it may have arrived already, and undici would report nothing.
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  /** Gives up where no connection is there in time. */
  limitConnecting(timeoutMs: number): void {
    if (this.#controller || this.#isOver) return;
    this.#connecting = setTimeout(() => this.abort(new ProxyError('upstream_timeout')), timeoutMs);
  }

  drop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#decoder?.destroy();
    this.#controller?.abort(new Error('Another attempt takes the place of this one'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    clearTimeout(this.#connecting);
    if (this.#isOver) controller.abort(new Error('The request was given up before it was sent'));
  }

  onRequestSent(): void {
    if (!this.#isOver) this.#sink.sent?.();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#isOver) return;
    this.#hasBegun = true;
    const shown = forwardableHeaders(headers, this.#secret);
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && this.#decode(encoding)) delete shown['content-encoding'];
    try {
      this.#sink.head(status, shown);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#decoder) {
      if (!this.#pass(chunk)) controller.pause();
    } else if (!this.#decoder.write(chunk)) {
      controller.pause();
      this.#decoder.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(): void {
    if (this.#decoder) this.#decoder.end();
    else this.#end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #decode(encoding: string): boolean {
    const decoder = makeDecoder(encoding);
    if (!decoder) return false;
    this.#decoder = decoder
      .on('data', (chunk: Buffer) => {
        if (!this.#pass(chunk)) decoder.pause();
      })
      .on('end', () => this.#end())
      .on('error', (error) => this.abort(error));
    return true;
  }

  #pass(chunk: Buffer): boolean {
    if (this.#isOver) return true;
    try {
      return this.#sink.chunk(chunk);
    } catch (error) {
      this.#giveUp(error);
      return true;
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      this.#sink.end();
    } catch (error) {
      this.#sink.fail(toProblem(error, true));
    }
  }

  #fail(error: Error): void {
    if (!this.#isHandedOver) {
      this.#early ??= error;
      return;
    }
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#connecting);
    this.#decoder?.destroy();
    // undici hands over the controller when it is about to write the request to a connection.
    this.#sink.fail(toProblem(error, this.#hasBegun), this.#controller === undefined);
  }

  /** A sink has thrown. */
  #giveUp(error: unknown): void {
    this.abort(error instanceof Error ? error : new Error('A sink failed', { cause: error }));
  }
}
