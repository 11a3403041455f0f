import type { RequestRecord } from '../../../database/requests.ts';
import type { Attributes, Span } from '../../../traces/span.ts';
import type { OpenSpan, Trace } from '../../../traces/trace.ts';
import { ProxyError } from '../../error.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Failure } from '../route/failure.ts';
import { askedAttributes, attemptAttributes, callAttributes, genAiOperation } from './attributes.ts';
import type { CallTrace, Step, TraceableCall, TracedAttempt, TracedCall, TracedOutcome } from './call-trace.ts';
import { contentAttributes } from './contents.ts';

interface Settled {
  readonly call: TracedCall;
  readonly record: RequestRecord;
  readonly outcome: TracedOutcome;
}

/** A call whose spans are kept until it is over. */
export class RecordedCall implements CallTrace {
  readonly traceId: string;
  readonly #trace: Trace;
  readonly #begun: TraceableCall;
  readonly #keepsContents: boolean;
  readonly #export: (spans: readonly Span[]) => void;
  #asked: Attributes = {};
  #model: string | undefined;
  #attempts = 0;
  #attempt: OpenSpan | undefined;
  #settled: Settled | undefined;
  #problem: ProxyError | undefined;
  #isFinished = false;

  constructor(trace: Trace, begun: TraceableCall, keepsContents: boolean, onEnd: (spans: readonly Span[]) => void) {
    this.traceId = trace.traceId;
    this.#trace = trace;
    this.#begun = begun;
    this.#keepsContents = keepsContents;
    this.#export = onEnd;
  }

  step(step: Step): (attributes?: Attributes) => void {
    const span = this.#trace.begin(step, 'internal');
    return (attributes) => span.end(attributes);
  }

  asks(model: string | undefined, key: RoutedKey): void {
    this.#model = model;
    this.#asked = askedAttributes(model, key);
  }

  attempt(
    { key, path, model }: TracedAttempt,
    headers: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>> {
    this.#attempt?.end();
    const attributes = attemptAttributes(key, path, model, this.#attempts);
    this.#attempts += 1;
    const span = this.#trace.begin(`POST ${path}`, 'client', attributes);
    this.#attempt = span;
    return key.provider.propagatesTraceContext ? { ...headers, traceparent: span.traceParent() } : headers;
  }

  attemptFailed({ kind, status }: Failure): void {
    this.#attempt?.end({ 'http.response.status_code': status, 'error.type': kind }, kind);
  }

  settled(call: TracedCall, record: RequestRecord, outcome: TracedOutcome): void {
    this.#settled = { call, record, outcome };
    const { httpStatus, status, errorCode } = outcome;
    const error = status === 'failed' ? (errorCode ?? 'failed') : undefined;
    this.#attempt?.end({ 'http.response.status_code': httpStatus, 'error.type': error }, error);
  }

  refused(problem: unknown): void {
    this.#problem ??= problem instanceof ProxyError ? problem : new ProxyError('internal_error');
  }

  finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const { operation, requestId, isOwn } = this.#begun;
    const model = this.#settled?.record.requested_model ?? this.#model;
    const name = [genAiOperation(operation), model ?? []].flat().join(' ');
    const { error, isOurFault, httpStatus } = this.#end();
    const attributes: Attributes = {
      'gen_ai.operation.name': genAiOperation(operation),
      'chaperone.operation': operation,
      'chaperone.request_id': requestId,
      ...this.#asked,
      ...(this.#settled && callAttributes(this.#settled.call, this.#settled.record)),
      ...(this.#settled && this.#keepsContents && contentAttributes(this.#settled.call, this.#settled.outcome.output)),
      ...(this.#attempts > 1 && { 'chaperone.attempts': this.#attempts }),
      ...(!isOwn && operation !== 'realtime' && ofHttp(httpStatus)),
      'error.type': error,
    };
    this.#export(this.#trace.end(name, isOwn ? 'client' : 'server', attributes, isOurFault ? error : undefined));
  }

  /** How the call ended. What a client did wrong is no failure of the server, by the conventions for HTTP. */
  #end() {
    const problem = this.#problem;
    if (problem) return { error: problem.code, isOurFault: problem.status >= 500, httpStatus: problem.status };
    const { status, errorCode, httpStatus } = this.#settled?.outcome ?? {};
    const hasFailed = status === 'failed' || status === 'interrupted';
    const error = hasFailed ? (errorCode ?? status) : status === 'cancelled' ? 'cancelled' : undefined;
    const isClients = httpStatus != null && httpStatus >= 400 && httpStatus < 500;
    return { error, isOurFault: hasFailed && (!isClients || this.#begun.isOwn), httpStatus };
  }
}

/** What is known of the request of a client. A response in a session over a WebSocket has none. */
function ofHttp(status: number | null | undefined): Attributes {
  return { 'http.request.method': 'POST', 'http.response.status_code': status };
}
