import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { errors } from 'undici';
import { type ProblemCode, ProxyError } from '../error.ts';
import type { Account } from './account.ts';
import type { Call, Outcome } from './call.ts';
import { unknownUsage } from './call.ts';
import { clientGone } from './client-gone.ts';
import { parseObject } from './operations/json.ts';
import type { Operation, Reading, StreamReader } from './operations/operation.ts';

export interface Forwarding {
  readonly call: Call;
  readonly operation: Operation;
  readonly account: Account;
  /** The body as the upstream gets it. */
  readonly body: string | Buffer | Readable;
  /** Whether usage was asked for in the client's place, who must not see it. */
  readonly hideUsage: boolean;
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
}

const maxAnswerBytes = 256 * 1024 * 1024;

const eventStream = /^text\/event-stream\b/i;
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
    const { call, body, headers, operation } = forwarding;
    const { provider, secret } = call.key;
    upstream.dispatch(
      {
        method: 'POST',
        origin: provider.origin,
        path: provider.basePath + operation.path,
        body,
        headers: {
          'content-type': 'application/json',
          ...headers,
          // Compressed answers could not be read on the way.
          'accept-encoding': 'identity',
          authorization: `Bearer ${secret}`,
        },
        headersTimeout: provider.headersTimeoutMs,
        bodyTimeout: provider.idleTimeoutMs,
      },
      new AnswerHandler(forwarding, resolve),
    );
  });
}

/** Takes one answer from undici's parser. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #forwarding: Forwarding;
  readonly #onDone: () => void;
  /** Whether the provider works on after its answer, and whoever leaves has not cancelled anything. */
  readonly #goesOn: boolean;
  readonly #sentAtTicks = performance.now();
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: Record<string, string | string[]> = {};
  #stream: StreamReader | undefined;
  #chunks: Buffer[] = [];
  #receivedBytes = 0;
  /** Whether the client has been sent any of a stream. */
  #hasPassed = false;
  #timeToFirstTokenMs: number | null = null;
  #clientHasGone = false;
  #weAreStopping = false;
  #drainTimer: NodeJS.Timeout | undefined;

  constructor(forwarding: Forwarding, onDone: () => void) {
    this.#forwarding = forwarding;
    this.#onDone = onDone;
    this.#goesOn = forwarding.operation.goesOn?.(forwarding.call.body) ?? false;
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
    this.#headers = { ...forwardableHeaders(headers), ...this.#forwarding.responseHeaders };
    if (status !== 200) return;
    this.#stream = this.#readerOf(headers['content-type'] ?? '');
    const { response } = this.#forwarding;
    if (!this.#stream || this.#clientHasGone) return;
    response.writeHead(status, this.#headers);
    // What has come with the head leaves in one write with it.
    process.nextTick(() => {
      if (!this.#hasPassed && !response.writableEnded) response.flushHeaders();
    });
  }

  /** What reads an answer of this type while it passes; undefined where it is read whole. */
  #readerOf(contentType: string): StreamReader | undefined {
    const { operation, hideUsage, keepOutput, call } = this.#forwarding;
    if (eventStream.test(contentType)) return operation.readStream({ hideUsage, keepOutput, body: call.body });
    return json.test(contentType) ? undefined : operation.readBytes?.(call.body);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#stream) {
      this.#receivedBytes += chunk.length;
      if (this.#receivedBytes > maxAnswerBytes) controller.abort(new errors.ResponseExceededMaxSizeError());
      else this.#chunks.push(chunk);
      return;
    }
    const wasOver = this.#stream.reading() !== undefined;
    const output = this.#stream.read(chunk);
    if (this.#goesOn) this.#defer(this.#stream.partial());
    if (this.#timeToFirstTokenMs === null && this.#stream.hasOutput()) this.#timeToFirstTokenMs = this.#elapsedMs();
    // Settled before the client has the event that ends the answer: whoever has seen it may rate it at once.
    const reading = wasOver ? undefined : this.#stream.reading();
    if (reading) this.#settle(reading);
    if (output === undefined || this.#clientHasGone) return;
    this.#hasPassed = true;
    if (!this.#forwarding.response.write(output)) {
      controller.pause();
      this.#forwarding.response.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(): void {
    this.#stream?.end?.();
    const reading = this.#stream?.reading();
    if (!this.#stream) this.#answerWhole();
    else if (reading) {
      this.#settle(reading);
      this.#forwarding.response.end();
    } else this.#breakOff('upstream_interrupted');
    this.#finish();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
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

  #answerWhole(): void {
    const { operation, response, call } = this.#forwarding;
    const raw = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
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
    if (isSuccess && this.#goesOn && reading.state === 'pending') this.#defer(reading);
    const failure = { ...reading, failed: true, errorCode: reading.errorCode ?? 'upstream_error' };
    this.#settle(isSuccess ? reading : failure, undefined, raw);
    if (this.#clientHasGone) return;
    const shown = isSuccess && answer && operation.present ? JSON.stringify(operation.present(answer)) : undefined;
    const body = withoutSecret(shown === undefined ? raw : Buffer.from(shown), call.key.secret);
    response.writeHead(this.#status, { ...this.#headers, 'content-length': String(body.length) });
    // As text of one byte a character it leaves in one write with the head; a buffer would be a second piece.
    response.end(body.toString('latin1'), 'latin1');
  }

  /** Ends a stream whose end did not come: with an error event, and without the end of the HTTP message. */
  #breakOff(code: ProblemCode | undefined): void {
    const { response } = this.#forwarding;
    this.#settle(null, code);
    if (this.#clientHasGone || !this.#stream || !code) return;
    const event = this.#stream.interruption('Error processing request', code);
    response.write(event, () => response.destroy());
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
      goesOn: this.#goesOn && (reading === null || reading.state === 'pending'),
      status: reading !== null && this.#goesOn ? endStatusOf(reading) : this.#statusOf(failed),
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
    this.#controller?.resume();
    this.#drainTimer = setTimeout(() => this.#controller?.abort(clientGone), this.#forwarding.drainMs);
    this.#drainTimer.unref();
  };

  #finish(): void {
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
]);

export function forwardableHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const forwarded: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || withheld.has(name)) continue;
    forwarded[name === 'x-request-id' ? 'x-upstream-request-id' : name] = value;
  }
  return forwarded;
}

/** Some providers quote the key in their errors; it is not the caller's to see. */
export function withoutSecret(body: Buffer, secret: string): Buffer {
  if (!body.includes(secret)) return body;
  return Buffer.from(body.toString('utf8').replaceAll(secret, '[redacted]'));
}
