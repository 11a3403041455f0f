import { makeRequestId } from '../../database/ids.ts';
import type { Call, Caller, Outcome } from '../calls/call.ts';
import { type CallContext, type Identified, termsOf } from '../calls/context.ts';
import type { Reserve } from '../calls/reserve/reserve.ts';
import { nothingReserved, type Reservation } from '../calls/reserve/reserve.ts';
import type { Account } from '../calls/settle/account.ts';
import type { Settlement } from '../calls/settle/settlement.ts';
import type { CallTrace } from '../calls/traces/call-trace.ts';
import type { Traces } from '../calls/traces/traces.ts';
import type { Linked } from '../conversations/links.ts';
import type { CallGuard } from '../guardrails/call-guard.ts';
import type { Share } from '../in-flight.ts';
import type { Body } from '../providers/json.ts';
import type { OperationName } from '../providers/operation-name.ts';
import type { Reading } from '../providers/reading.ts';
import { unknownUsage } from '../providers/usage.ts';
import type { Persona, RoutedKey } from '../snapshot/snapshot.ts';

/** What is asked of a provider in a session, and will have a record of its own. */
export interface Asked {
  readonly context: CallContext;
  readonly operation: OperationName;
  readonly model: string | undefined;
  readonly modelAlias: string | undefined;
  readonly persona: Persona | undefined;
  readonly key: RoutedKey;
  readonly guard: CallGuard | undefined;
  /** Where it is in a conversation. Absent: it is in none. */
  readonly linked?: Linked | undefined;
  /** Everything that bounds it, for limits and budgets. */
  readonly body: Body;
  /** What is kept as the input. It may be complete only at the end. */
  readonly input: () => string;
  readonly previousResponseId: string | undefined;
}

/** Makes the context of a response. It takes what is in force now, and has a request id of its own. */
export function contextOf({ caller, inForce }: Identified, share: Share, turnId: string | undefined): CallContext {
  const startedAtMs = Date.now();
  const inTurn: Caller = turnId === undefined ? caller : { ...caller, turnId };
  const requestId = makeRequestId(startedAtMs);
  return { requestId, startedAtMs, startedTicks: performance.now(), caller: inTurn, inForce, share };
}

export interface Accounting {
  readonly reserve: Reserve;
  readonly settlement: Settlement;
  readonly traces: Pick<Traces, 'begin'>;
  /** The header `traceparent` with which the session was opened. */
  readonly traceParent: string | undefined;
}

/**
 * Reserves what limits and budgets count, and writes the intent. Only then may the provider be asked.
 *
 * @throws {ProxyError} where there is not enough, or it cannot be recorded
 */
export async function openResponse(accounting: Accounting, asked: Asked): Promise<GovernedResponse> {
  const { context, operation, model, key, body } = asked;
  const sought = { context, operation, model, key, body, sent: undefined, hasReferences: true };
  return openReserved(accounting, asked, await accounting.reserve(sought));
}

/** As `openResponse`, for what the provider does already. Nothing could refuse it any more. */
export function openLate(accounting: Accounting, asked: Asked): Promise<GovernedResponse> {
  return openReserved(accounting, asked, nothingReserved);
}

async function openReserved(
  { settlement, traces, traceParent: parent }: Accounting,
  asked: Asked,
  reservation: Reservation,
): Promise<GovernedResponse> {
  const { requestId, startedAtMs, startedTicks } = asked.context;
  const begun = { operation: asked.operation, requestId, startedAtMs, startedTicks, isOwn: false };
  const trace = traces.begin({ ...begun, parent, state: undefined });
  const call = { ...callOf(asked), trace };
  const account = await new Promise<Account>((resolve, reject) => {
    settlement.open(call, termsOf(asked.context.inForce), reservation, resolve, reject);
  });
  return new GovernedResponse(asked, account, reservation.changes, trace);
}

/** The end of a response, as far as the provider tells it. */
export interface End extends Partial<Pick<Outcome, 'errorCode' | 'output'>> {
  readonly status: Outcome['status'];
  /** Whether the provider has begun it, so that it may cost something. */
  readonly hasBegun: boolean;
  readonly reading?: Reading;
  /** The model that answered. Absent: the one that was asked for. */
  readonly model?: string | null;
}

/** A response with its account. */
export class GovernedResponse {
  readonly asked: Asked;
  /** Fields that a budget lowers in what is asked. Undefined: none. */
  readonly changes: Body | undefined;
  readonly #account: Account;
  readonly #trace: CallTrace | undefined;
  readonly #startedTicks = performance.now();
  #timeToFirstTokenMs: number | null = null;

  constructor(asked: Asked, account: Account, changes: Body | undefined, trace: CallTrace | undefined) {
    this.asked = asked;
    this.#trace = trace;
    this.#account = account;
    this.changes = changes;
  }

  isSettled(): boolean {
    return this.#account.isSettled();
  }

  /** A part of the output has come. */
  sawOutput(): void {
    this.#timeToFirstTokenMs ??= Math.round(performance.now() - this.#startedTicks);
  }

  /** It was never asked for, so there is no record of it. */
  withdraw(): void {
    this.#account.withdraw();
  }

  /**
   * @returns a promise of when the client may hear of the end
   * @throws {ProxyError} where it cannot be settled; the next start does it
   */
  settle({ status, hasBegun, errorCode, reading, model, output }: End): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#account.isSettled()) {
        resolve();
        return;
      }
      const outcome: Outcome = {
        status,
        // Its answer comes inside the answer to the upgrade, so it has no status of its own.
        httpStatus: hasBegun ? 200 : null,
        errorCode: errorCode ?? reading?.errorCode ?? null,
        responseId: reading?.responseId ?? null,
        model: model ?? reading?.model ?? null,
        serviceTier: reading?.serviceTier ?? null,
        usage: reading?.usage ?? unknownUsage,
        keptIds: reading?.keptIds ?? [],
        timeToFirstTokenMs: this.#timeToFirstTokenMs,
        upstreamMs: performance.now() - this.#startedTicks,
        output,
      };
      this.#account.settle(outcome, (problem) => {
        this.#trace?.finish();
        if (problem) reject(problem);
        else resolve();
      });
    });
  }
}

function callOf(asked: Asked): Call {
  const { context, operation, model, modelAlias, persona, key, guard, linked, body, input, previousResponseId } = asked;
  const { requestId, startedAtMs, startedTicks, caller } = context;
  return {
    ...{
      kind: 'call',
      requestId,
      startedAtMs,
      startedTicks,
      operation,
      caller,
      input,
      body,
      persona,
      key,
      guard,
      linked,
    },
    isStream: () => true,
    requestedModel: model,
    modelAlias,
    previousResponseId,
  };
}
