import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable, Transform } from 'node:stream';
import type { Dispatcher } from 'undici';
import { errors } from 'undici';
import { type ProblemCode, ProxyError, problems } from '../error.ts';
import type { Operation } from '../operations/operation.ts';
import { makeDecoder } from '../providers/content-encoding.ts';
import { parseObject } from '../providers/json.ts';
import type { Reading, StreamReader } from '../providers/reading.ts';
import { makeRedactor, type Redactor, withoutSecret, withoutSecretInHeader } from '../providers/redact.ts';
import { unknownUsage } from '../providers/usage.ts';
import { refusesUsageOption } from './admit/usage-option.ts';
import type { Call, Outcome } from './call.ts';
import { clientGone } from './client-gone.ts';
import { answerFactor, type Share } from './receive/in-flight.ts';
import type { Account } from './settle/account.ts';

export interface Forwarding {
  readonly call: Call;
  readonly operation: Operation;
  readonly account: Account;
  /** The body as the upstream gets it. */
  readonly body: string | Buffer | Readable;
  /** Whether usage was asked for in the client's place, who must not see it. */
  readonly hideUsage: boolean;
  /** What to send instead where the provider refuses to be asked for usage; absent where the client asked. */
  readonly withoutUsage?: WithoutUsage | undefined;
  readonly keepOutput: boolean;
  /** Headers of the client's that are meant for the upstream. */
  readonly headers: Readonly<Record<string, string>>;
  readonly response: ServerResponse;
  /** Headers of our own for the client. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  /** Answers with a problem in the surface's envelope. Called only while nothing has been sent. */
  readonly refuse: (error: ProxyError) => void;
  /** How long an answer is read on for its usage after the client has gone. */
  readonly drainMs: number;
  /** Takes what an answer that is read whole holds of memory. */
  readonly share: Share;
}

/** The call as the client made it, with nothing in it for our account. */
export interface WithoutUsage {
  readonly body: () => string | Buffer;
  /** Told that the provider took it where it had refused to be asked for usage. */
  readonly onTaken: () => void;
}

const maxAnswerBytes = 256 * 1024 * 1024;

const eventStream = /^text\/event-stream\b/i;
/** What servers say that do not care what they say. */
const anyText = /^(?:text\/plain\b|$)/i;
const json = /^application\/json\b/i;

/**
 * Sends the call upstream and its answer to the client: a stream chunk by chunk with back-pressure, anything else
 * whole, so that its usage is known before it ends. What passes is read for the account, which is settled before the
 * client has the end of the answer.
 *
 * @returns when the call is over, whatever became of it
 */
export function forward(upstream: Dispatcher, forwarding: Forwarding): Promise<void> {
  return new Promise((resolve) => {
    const { call, headers, operation } = forwarding;
    const { provider, secret } = call.key;
    const send = (body: Forwarding['body']) => {
      upstream.dispatch(
        {
          method: 'POST',
          origin: provider.origin,
          path: provider.basePath + operation.path,
          body,
          headers: {
            'content-type': 'application/json',
            ...headers,
            // What is compressed all the same is unpacked on its way.
            'accept-encoding': 'identity',
            authorization: `Bearer ${secret}`,
          },
          headersTimeout: provider.headersTimeoutMs,
          bodyTimeout: provider.idleTimeoutMs,
        },
        handler,
      );
    };
    const handler = new AnswerHandler(forwarding, send, resolve);
    send(forwarding.body);
  });
}

/** Takes one answer from undici's parser. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #forwarding: Forwarding;
  readonly #send: (body: string | Buffer) => void;
  readonly #onDone: () => void;
  /** Whether the provider works on after its answer, and whoever leaves has not cancelled anything. */
  readonly #runsInBackground: boolean;
  readonly #sentAtTicks = performance.now();
  #controller: Dispatcher.DispatchController | undefined;
  readonly #withoutUsage: WithoutUsage | undefined;
  #isSentAgain = false;
  #status = 0;
  #headers: Record<string, string | string[]> = {};
  /** Unpacks a compressed answer; undefined for most, which are not. */
  #decoder: Transform | undefined;
  #stream: StreamReader | undefined;
  #redactor: Redactor | undefined;
  #isJson = false;
  #chunks: Buffer[] = [];
  #receivedBytes = 0;
  /** Whether the client has been sent any of the answer. */
  #hasPassed = false;
  #isOver = false;
  #timeToFirstTokenMs: number | null = null;
  #clientHasGone = false;
  #weAreStopping = false;
  #drainTimer: NodeJS.Timeout | undefined;

  constructor(forwarding: Forwarding, send: (body: string | Buffer) => void, onDone: () => void) {
    this.#forwarding = forwarding;
    this.#send = send;
    this.#onDone = onDone;
    this.#withoutUsage = forwarding.withoutUsage;
    this.#runsInBackground = forwarding.operation.runsInBackground?.(forwarding.call.body) ?? false;
    forwarding.response.once('close', this.#onClose);
    if (forwarding.response.destroyed) this.#onClose();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onRequestSent(): void {
    this.#forwarding.account.sealInput();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    const { response, responseHeaders, call } = this.#forwarding;
    this.#headers = { ...forwardableHeaders(headers, call.key.secret), ...responseHeaders };
    const encoding = headers['content-encoding'];
    if (encoding !== undefined) this.#decode(encoding);
    if (status !== 200) return;
    if (this.#isSentAgain) this.#withoutUsage?.onTaken();
    const contentType = headers['content-type'] ?? '';
    this.#isJson = json.test(contentType);
    this.#stream = this.#readerOf(contentType);
    if (!this.#stream) return;
    this.#redactor = makeRedactor(call.key.secret);
    if (this.#clientHasGone) return;
    response.writeHead(status, this.#headers);
    // What has come with the head leaves in one write with it.
    process.nextTick(() => {
      if (!this.#hasPassed && !response.writableEnded) response.flushHeaders();
    });
  }

  /** What reads an answer of this type while it passes; undefined where it is read whole. */
  #readerOf(contentType: string): StreamReader | undefined {
    const { operation, keepOutput, call } = this.#forwarding;
    const hideUsage = this.#forwarding.hideUsage && !this.#isSentAgain;
    const isStream = eventStream.test(contentType) || (anyText.test(contentType) && mayStream(operation, call));
    if (isStream) return operation.readStream({ hideUsage, keepOutput, body: call.body });
    return this.#isJson ? undefined : operation.readBytes?.(call.body);
  }

  #decode(encoding: string): void {
    const decoder = makeDecoder(encoding);
    if (!decoder) return;
    delete this.#headers['content-encoding'];
    decoder
      .on('data', (chunk: Buffer) => {
        try {
          this.#take(chunk);
        } catch (error) {
          this.#abort(error instanceof Error ? error : new ProxyError('upstream_invalid_response', { cause: error }));
        }
      })
      .on('end', () => this.#end())
      .on('error', (error) => this.#abort(error));
    this.#decoder = decoder;
  }

  /** Where what was unpacked is no good, all of the answer may have come already. */
  #abort(error: Error): void {
    this.#decoder?.destroy();
    this.#fail(error);
    this.#controller?.abort(error);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#decoder) this.#take(chunk);
    else if (!this.#decoder.write(chunk)) {
      controller.pause();
      this.#decoder.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(): void {
    if (this.#decoder) this.#decoder.end();
    else this.#end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#decoder?.destroy();
    this.#fail(error);
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#redactor) this.#pass(this.#redactor.push(chunk));
    else this.#collect(chunk);
  }

  #collect(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    if (this.#receivedBytes > maxAnswerBytes) this.#abort(new errors.ResponseExceededMaxSizeError());
    else if (this.#isJson && this.#chunks.length === 0 && isBlank(chunk)) this.#passBlanks(chunk);
    else this.#hold(chunk);
  }

  #hold(chunk: Buffer): void {
    try {
      this.#forwarding.share.addAnswer(chunk.length * answerFactor);
      this.#chunks.push(chunk);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      this.#abort(error);
    }
  }

  /** Some providers send blanks before their JSON to keep the connection alive: the client's needs that no less. */
  #passBlanks(blanks: Buffer): void {
    const { response } = this.#forwarding;
    if (this.#clientHasGone) return;
    if (!this.#hasPassed) response.writeHead(this.#status, this.#headers);
    this.#hasPassed = true;
    response.write(blanks);
  }

  #pass(chunk: Buffer): void {
    if (!this.#stream || chunk.length === 0) return;
    const wasOver = this.#stream.reading() !== undefined;
    const output = this.#stream.read(chunk);
    if (this.#runsInBackground) this.#defer(this.#stream.partial());
    if (this.#timeToFirstTokenMs === null && this.#stream.hasOutput()) this.#timeToFirstTokenMs = this.#elapsedMs();
    // Settled before the client has the event that ends the answer: whoever has seen it may rate it at once.
    const reading = wasOver ? undefined : this.#stream.reading();
    if (reading) this.#settle(reading);
    if (output === undefined || this.#clientHasGone) return;
    this.#hasPassed = true;
    if (this.#forwarding.response.write(output)) return;
    const source = this.#decoder ?? this.#controller;
    source?.pause();
    this.#forwarding.response.once('drain', () => source?.resume());
  }

  #end(): void {
    if (this.#isOver) return;
    if (this.#withoutUsage && this.#mayBeSentAgain()) {
      this.#sendAgain(this.#withoutUsage);
      return;
    }
    if (this.#stream) this.#endStream(this.#stream);
    else this.#answerWhole();
    this.#finish();
  }

  #endStream(stream: StreamReader): void {
    const { response } = this.#forwarding;
    if (this.#redactor) this.#pass(this.#redactor.end());
    const rest = stream.end();
    const reading = stream.reading();
    if (!reading) {
      this.#breakOff('upstream_interrupted');
      return;
    }
    this.#settle(reading);
    if (rest && rest.length > 0) response.end(rest);
    else response.end();
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#weAreStopping = error instanceof errors.ClientDestroyedError;
    if (error === clientGone) this.#clientHasGone = true;
    const code = error === clientGone ? undefined : problemCodeOf(error, this.#status !== 0);
    if (!this.#stream) {
      this.#settle(null, code);
      if (code) this.#refuse(error instanceof ProxyError ? error : new ProxyError(code, { cause: error }));
    } else if (this.#stream.reading()) this.#forwarding.response.end();
    else this.#breakOff(code);
    this.#finish();
  }

  /** Whether the provider may have refused nothing but our question for usage, of which the client knows nothing. */
  #mayBeSentAgain(): boolean {
    if (this.#stream || this.#isSentAgain || this.#hasPassed || this.#clientHasGone) return false;
    return refusesUsageOption(this.#status, Buffer.concat(this.#chunks).toString('utf8'));
  }

  #sendAgain({ body }: WithoutUsage): void {
    this.#isSentAgain = true;
    this.#status = 0;
    this.#isJson = false;
    this.#chunks = [];
    this.#receivedBytes = 0;
    this.#decoder = undefined;
    this.#send(body());
  }

  #answerWhole(): void {
    const { operation, response, call } = this.#forwarding;
    const collected = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
    const raw = withoutSecret(collected, call.key.secret);
    const text = raw.toString('utf8');
    const answer = parseObject(text);
    const isSuccess = this.#status >= 200 && this.#status < 300;
    const asText = isSuccess && answer === null ? operation.readText?.(text, call.body) : undefined;
    if ((isSuccess && answer === null && !asText) || (this.#status >= 300 && this.#status < 400)) {
      this.#settle(null, 'upstream_invalid_response');
      this.#refuse(new ProxyError('upstream_invalid_response'));
      return;
    }
    const reading = asText ?? operation.read(answer, call.body);
    if (isSuccess && this.#runsInBackground && reading.state === 'pending') this.#defer(reading);
    const failure = { ...reading, failed: true, errorCode: reading.errorCode ?? 'upstream_error' };
    this.#settle(isSuccess ? reading : failure, undefined, raw);
    if (this.#clientHasGone) return;
    const shown = isSuccess && answer && operation.present ? JSON.stringify(operation.present(answer)) : undefined;
    const body = shown === undefined ? raw : Buffer.from(shown);
    if (!this.#hasPassed) response.writeHead(this.#status, { ...this.#headers, 'content-length': String(body.length) });
    // As text of one byte a character it leaves in one write with the head; a buffer would be a second piece.
    response.end(body.toString('latin1'), 'latin1');
  }

  /**
   * Ends a stream whose end did not come without the end of the HTTP message: to every SDK that is the cut that it would
   * have seen without us. The comment is for people; SDKs skip it, where an event would be another kind of error to them.
   */
  #breakOff(code: ProblemCode | undefined): void {
    const { response } = this.#forwarding;
    this.#settle(null, code);
    if (this.#clientHasGone || !this.#stream || !code) return;
    const comment = this.#stream.isBetweenEvents() ? `: ${code}: ${problems[code].message}\n\n` : '';
    response.write(comment, () => response.destroy());
  }

  #refuse(error: ProxyError): void {
    if (!this.#clientHasGone) this.#forwarding.refuse(error);
  }

  #settle(reading: Reading | null, errorCode?: ProblemCode, whole?: Buffer): void {
    const { account } = this.#forwarding;
    if (account.isSettled()) return;
    const known = reading ?? this.#stream?.partial();
    const failed = reading === null || reading.failed;
    const outcome: Outcome = {
      runsInBackground: this.#runsInBackground && (reading === null || reading.state === 'pending'),
      status: reading !== null && this.#runsInBackground ? endStatusOf(reading) : this.#statusOf(failed),
      httpStatus: this.#status === 0 ? null : this.#status,
      errorCode: errorCode ?? known?.errorCode ?? (this.#clientHasGone ? 'client_disconnected' : null),
      responseId: known?.responseId ?? null,
      model: known?.model ?? null,
      serviceTier: known?.serviceTier ?? null,
      usage: known?.usage ?? unknownUsage,
      keptIds: known?.keptIds ?? [],
      timeToFirstTokenMs: this.#timeToFirstTokenMs,
      upstreamMs: performance.now() - this.#sentAtTicks,
      output: whole ?? this.#stream?.output(),
    };
    account.settle(outcome);
  }

  /** Before the client has the id by which it may ask for the rest. */
  #defer({ responseId }: Reading): void {
    if (responseId !== null) this.#forwarding.account.defer(responseId);
  }

  #statusOf(failed: boolean): Outcome['status'] {
    if (this.#weAreStopping) return 'interrupted';
    // A client that left before the end has cancelled, however the provider went on.
    if (this.#clientHasGone) return 'cancelled';
    return failed ? 'failed' : 'completed';
  }

  /** The client has gone: the provider is read to the end all the same, since its bill will have all of it. */
  readonly #onClose = (): void => {
    if (this.#forwarding.response.writableFinished) return;
    this.#clientHasGone = true;
    this.#decoder?.resume();
    this.#controller?.resume();
    this.#drainTimer = setTimeout(() => this.#controller?.abort(clientGone), this.#forwarding.drainMs);
    this.#drainTimer.unref();
  };

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#drainTimer);
    this.#forwarding.response.off('close', this.#onClose);
    this.#onDone();
  }

  #elapsedMs(): number {
    return Math.round(performance.now() - this.#forwarding.call.startedTicks);
  }
}

/** What the provider says became of something that it has ended. */
export function endStatusOf(reading: Reading): Outcome['status'] {
  if (reading.state === 'cancelled') return 'cancelled';
  return reading.failed ? 'failed' : 'completed';
}

/** Whether an answer of no particular type is the stream that was asked for, as SDKs take it. */
function mayStream(operation: Operation, call: Call): boolean {
  return call.isStream() && !operation.readText && !operation.readBytes;
}

/** Whether the chunk has nothing but what JSON takes for blanks. */
function isBlank(chunk: Buffer): boolean {
  const [first = 0] = chunk;
  return first <= 0x20 && /^[ \t\r\n]*$/.test(chunk.toString('latin1'));
}

/** What a failure of the transport means. `hasBegun`: whether any of the answer had come. */
export function problemCodeOf(error: Error, hasBegun: boolean): ProblemCode {
  if (error instanceof ProxyError) return error.code;
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.ConnectTimeoutError)
    return 'upstream_timeout';
  if (error instanceof errors.BodyTimeoutError) return 'upstream_timeout';
  if (error instanceof errors.HTTPParserError) return 'upstream_invalid_response';
  if (error instanceof errors.ResponseExceededMaxSizeError) return 'upstream_invalid_response';
  return hasBegun ? 'upstream_interrupted' : 'upstream_unreachable';
}

/**
 * Headers that end at this hop (RFC 9110, section 7.6.1), are written anew, or say more of the provider account than
 * its users should know.
 */
const withheld = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'set-cookie',
  'openai-organization',
  'openai-project',
  'date',
  'server',
  'alt-svc',
  'strict-transport-security',
  // What is sent here does not depend on what the provider's cache goes by.
  'vary',
]);

/** @param secret of the provider, which should it quote that in a header is not the caller's to see */
export function forwardableHeaders(headers: IncomingHttpHeaders, secret: string): Record<string, string | string[]> {
  const forwarded: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    // Which web pages may read answers is the organization's to say.
    if (value === undefined || withheld.has(name) || name.startsWith('access-control-')) continue;
    forwarded[name === 'x-request-id' ? 'x-upstream-request-id' : name] = withoutSecretInHeader(value, secret);
  }
  return forwarded;
}
