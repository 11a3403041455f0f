import { isAscii } from 'node:buffer';
import { ProxyError } from '../../error.ts';
import type { OutputGuard } from '../../guardrails/output/output-guard.ts';
import { answerFactor, type Share } from '../../in-flight.ts';
import type { Operation } from '../../operations/operation.ts';
import type { AnswerHeaders, AnswerSink } from '../../providers/answer-sink.ts';
import { isOurEnd, redirected } from '../../providers/failure.ts';
import { type Body, parseObject } from '../../providers/json.ts';
import type { Reading } from '../../providers/reading.ts';
import type { WireFormat } from '../../providers/wire-format.ts';
import type { Call } from '../call.ts';
import { asInProgress } from '../held/held-response.ts';
import { type Failure, failureOfAnswer, failureOfProblem } from '../route/failure.ts';
import type { AnswerClient } from './client-sink.ts';
import type { Observer } from './observer.ts';

const maxAnswerBytes = 256 * 1024 * 1024;

const json = /^application\/json\b/i;

export interface WholeAnswerOptions {
  readonly call: Call;
  readonly operation: Pick<Operation, 'present' | 'runsInBackground'>;
  readonly format: Pick<WireFormat, 'read' | 'readText'>;
  /** Is charged for the answer's memory. */
  readonly share: Pick<Share, 'addAnswer'>;
  readonly observer: Observer;
  readonly client: AnswerClient;
  /** Called with a failure before anything else hears of it. @returns whether another attempt takes its place */
  readonly replace?: ((failure: Failure) => boolean) | undefined;
}

/** Holds an answer until it is complete, so that its usage is known and the call settled before the client has it. */
export class WholeSink implements AnswerSink {
  readonly #options: WholeAnswerOptions;
  #status = 0;
  #headers: AnswerHeaders = {};
  #isJson = false;
  readonly #chunks: Buffer[] = [];
  #receivedBytes = 0;

  constructor(options: WholeAnswerOptions) {
    this.#options = options;
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = headers;
    this.#isJson = status === 200 && isJson(headers);
  }

  chunk(bytes: Buffer): boolean {
    if (this.#isJson && this.#chunks.length === 0 && isBlank(bytes)) this.#passBlanks(bytes);
    else this.#hold(bytes);
    return true;
  }

  /** The whole answer, with `last` as its last chunk. */
  text(last?: Buffer): string {
    return Buffer.concat(last ? [...this.#chunks, last] : this.#chunks).toString('utf8');
  }

  end(last?: Buffer): void {
    if (last) this.#hold(last);
    const { operation, format, call, observer, client } = this.#options;
    const raw = this.#whole();
    const text = raw.toString('utf8');
    const answer = parseObject(text);
    const isSuccess = this.#status >= 200 && this.#status < 300;
    const asText = isSuccess && answer === null ? format.readText?.(text, call.body) : undefined;
    const isRedirect = this.#status >= 300 && this.#status < 400;
    if (isRedirect || (isSuccess && answer === null && !asText)) {
      this.fail(isRedirect ? redirected(this.#status) : new ProxyError('upstream_invalid_response'));
      return;
    }
    const reading = asText ?? format.read(answer, call.body);
    if (
      (!isSuccess || reading.failed) &&
      this.#isReplaced(failureOfAnswer(this.#status, this.#headers, answer, reading, text))
    )
      return;
    const guard = isSuccess ? call.guard?.output : undefined;
    const problem = guard?.problem();
    if (problem?.code === 'answer_held' && answer && operation.runsInBackground?.(call.body)) {
      this.#showHeld(reading, answer, problem);
      return;
    }
    if (problem) {
      // The provider bills the answer that the client does not get.
      observer.answered({ ...reading, failed: true, errorCode: problem.code }, undefined);
      client.fail(problem);
      return;
    }
    if (isSuccess) observer.deferWhilePending(reading);
    observer.answered(isSuccess ? reading : asFailure(reading), raw);
    const shown = isSuccess && answer ? present(answer, operation, guard) : undefined;
    const body = shown === undefined ? raw : Buffer.from(shown);
    if (!client.hasBegun()) client.head(this.#status, { ...this.#headers, 'content-length': String(body.length) });
    // ASCII is the same text in latin1.
    client.end(body === raw && isAscii(raw) ? text : body);
  }

  fail(problem: ProxyError, isUnsent = false): void {
    if (
      !isOurEnd(problem) &&
      this.#isReplaced(failureOfProblem(problem, isUnsent, this.#status === 0 ? null : this.#status))
    )
      return;
    this.#options.observer.failed(problem, undefined);
    this.#options.client.fail(problem);
  }

  /** The provider has answered at once what the caller will ask for. */
  #showHeld(reading: Reading, answer: Body, { headers }: ProxyError): void {
    const { observer, client } = this.#options;
    observer.answered(reading, undefined);
    const body = Buffer.from(JSON.stringify(asInProgress(answer)));
    client.head(this.#status, { ...this.#headers, ...headers, 'content-length': String(body.length) });
    client.end(body);
  }

  #isReplaced(failure: Failure): boolean {
    return this.#options.replace?.(failure) ?? false;
  }

  #hold(bytes: Buffer): void {
    this.#receivedBytes += bytes.length;
    if (this.#receivedBytes > maxAnswerBytes) throw new ProxyError('upstream_invalid_response');
    this.#options.share.addAnswer(bytes.length * answerFactor);
    this.#chunks.push(bytes);
  }

  #whole(): Buffer {
    const [first] = this.#chunks;
    return this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
  }

  /** Passes blanks that some providers send before their JSON: they keep the client's connection alive, too. */
  #passBlanks(blanks: Buffer): void {
    const { client } = this.#options;
    if (!client.hasBegun()) client.head(this.#status, this.#headers);
    client.chunk(blanks);
  }
}

/** The client's answer. Undefined where it is the provider's own bytes. */
function present(
  answer: Body,
  operation: WholeAnswerOptions['operation'],
  guard: OutputGuard | undefined,
): string | undefined {
  if (!operation.present && !guard?.restores()) return undefined;
  const restored = guard?.present(answer) ?? answer;
  return JSON.stringify(operation.present?.(restored) ?? restored);
}

export function isJson(headers: AnswerHeaders): boolean {
  return json.test(String(headers['content-type'] ?? ''));
}

/** The provider answered with an error status, so the answer is a failure, whatever its content. */
function asFailure(reading: Reading): Reading {
  return { ...reading, failed: true, errorCode: reading.errorCode ?? 'upstream_error' };
}

/** Whether the chunk has only JSON whitespace. */
function isBlank(chunk: Buffer): boolean {
  const [first = 0] = chunk;
  return first <= 0x20 && /^[ \t\r\n]*$/.test(chunk.toString('latin1'));
}
