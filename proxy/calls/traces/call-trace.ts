import type { RequestRecord } from '../../../database/requests.ts';
import type { Attributes } from '../../../traces/span.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Failure } from '../route/failure.ts';

/** The steps of a call that have a span of their own, besides its requests to providers. */
export type Step = 'admission' | 'guardrails' | 'cache' | 'reserve';

/** A request to a provider. */
export interface TracedAttempt {
  readonly key: RoutedKey;
  readonly path: string;
  /** What the provider calls the model. */
  readonly model: string | undefined;
}

/** A call, as far as its spans say something of it. */
export interface TracedCall {
  readonly operation: OperationName;
  readonly body: Readonly<Record<string, unknown>>;
  readonly key: RoutedKey;
  isStream(): boolean;
  input(): string | Buffer;
}

/** Its result, likewise. */
export interface TracedOutcome {
  readonly status: RequestRecord['status'];
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly output: string | Buffer | undefined;
}

/** A call that is recorded as a trace. Nothing here waits or throws. */
export interface CallTrace {
  readonly traceId: string;
  /** Begins a step. @returns ends it */
  step(step: Step): (attributes?: Attributes) => void;
  /** The call is admitted, and asks for this. */
  asks(model: string | undefined, key: RoutedKey): void;
  /**
   * A request to a provider begins, and any before it has ended.
   *
   * @returns its headers, with the trace where the provider is to have it
   */
  attempt(attempt: TracedAttempt, headers: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  attemptFailed(failure: Failure): void;
  /** The call is settled. The record may be completed until `finish`. */
  settled(call: TracedCall, record: RequestRecord, outcome: TracedOutcome): void;
  /** The call, or the rest of its answer, was refused. */
  refused(problem: unknown): void;
  /** The client has its answer. Only the first time counts. */
  finish(): void;
}

/** A call that begins. */
export interface TraceableCall {
  readonly operation: OperationName;
  readonly requestId: string;
  readonly startedAtMs: number;
  readonly startedTicks: number;
  /** Whether a client makes it, or the proxy itself. */
  readonly isOwn: boolean;
  /** The headers `traceparent` and `tracestate`. */
  readonly parent: string | undefined;
  readonly state: string | undefined;
}
