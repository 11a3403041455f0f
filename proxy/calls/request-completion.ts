import { ProxyError } from '../error.ts';
import type { CallGuard } from '../guardrails/call-guard.ts';
import type { Share } from '../in-flight.ts';
import { toAnswerProblem } from '../providers/answer-error.ts';
import type { AnswerHeaders } from '../providers/answer-sink.ts';
import type { Exchange } from '../providers/exchange.ts';
import { isOurEnd } from '../providers/failure.ts';
import { type Body, parseObject } from '../providers/json.ts';
import type { Reading } from '../providers/reading.ts';
import { readWhole, relay } from '../providers/relay.ts';
import { translating } from '../providers/translating.ts';
import type { Usage } from '../providers/usage.ts';
import type { WireFormat } from '../providers/wire-format.ts';
import type { RoutedKey } from '../snapshot/snapshot.ts';
import { refusesUsageOption } from './admit/usage-option.ts';
import type { Outcome } from './call.ts';
import { type Failure, failureOfAnswer, failureOfProblem } from './route/failure.ts';
import { sentModel } from './route/sent-model.ts';
import {
  askInPieces,
  comesInPieces,
  type OnText,
  readInPieces,
  type Streamed,
  withUsage,
} from './streamed-completion.ts';
import type { CallTrace } from './traces/call-trace.ts';

/** The size limit of a completion. */
const maxAnswerBytes = 16 * 1024 * 1024;

const headers = { 'user-agent': 'chaperone', accept: 'application/json', 'content-type': 'application/json' };

/** The question, as guardrails let it pass. */
export interface CompletionRequest {
  readonly key: RoutedKey;
  readonly format: WireFormat;
  readonly model: string;
  readonly body: Body;
  readonly share: Share;
  readonly guard: CallGuard | undefined;
  readonly onText: OnText | undefined;
  /** `performance.now()` at the start of the call. */
  readonly startedTicks: number;
  /** Absent: the call is not recorded. */
  readonly trace?: CallTrace | undefined;
}

/** A provider's answer, whole or from its pieces. */
interface Received {
  readonly status: number;
  readonly told: AnswerHeaders;
  readonly text: string;
  readonly streamed?: Streamed;
}

/** What came of asking once. */
export type Answered =
  | {
      readonly outcome: Partial<Outcome>;
      /** A completion, without its cost. */
      readonly reply: { readonly completion: Body; readonly usage: Usage };
      readonly problem?: undefined;
      readonly failure?: undefined;
    }
  | {
      readonly outcome: Partial<Outcome>;
      readonly problem: ProxyError;
      /** Undefined where no other attempt helps. */
      readonly failure: Failure | undefined;
    };

/** Asks once. Failures are told, and not thrown. */
export async function requestCompletion(exchange: Exchange, request: CompletionRequest): Promise<Answered> {
  let answered: Received;
  try {
    answered = await receiveCompletion(exchange, request);
  } catch (problem) {
    if (!(problem instanceof ProxyError)) throw problem;
    const outcome = { errorCode: problem.code, status: isOurEnd(problem) ? 'interrupted' : 'failed' } as const;
    return { outcome, problem, failure: failureOfProblem(problem, false, null) };
  }
  const { status, told, text, streamed } = answered;
  if (streamed?.problem) return brokenOff(status, streamed, streamed.problem);
  const completion = parseObject(text);
  const reading = streamed?.reading ?? request.format.read(completion, request.body);
  if (status < 300 && !completion) {
    const problem = new ProxyError('upstream_invalid_response');
    const outcome = { httpStatus: status, errorCode: problem.code };
    return { outcome, problem, failure: failureOfProblem(problem, false, null) };
  }
  if (status >= 300 || reading.failed || !completion) {
    const { problem, code } = toAnswerProblem(status, text);
    const outcome: Partial<Outcome> =
      status >= 300
        ? { httpStatus: status, errorCode: code }
        : { ...reading, status: 'failed', httpStatus: status, output: text };
    return { outcome, problem, failure: failureOfAnswer(status, told, completion, reading, text) };
  }
  const first = streamed?.firstTicks;
  const timeToFirstTokenMs = first === undefined ? null : Math.round(first - request.startedTicks);
  return guardCompletion(request.guard, completion, {
    ...reading,
    ...{ httpStatus: status, output: text, timeToFirstTokenMs },
  });
}

/** What came is recorded, and paid for. */
function brokenOff(status: number, { reading, output, firstTicks }: Streamed, problem: ProxyError): Answered {
  const end = { errorCode: problem.code, status: isOurEnd(problem) ? 'interrupted' : 'failed' } as const;
  const outcome = { ...reading, httpStatus: status, output, ...end };
  // Where words have come, nobody is asked in its place.
  const failure = firstTicks === undefined ? failureOfProblem(problem, false, null) : undefined;
  return { outcome, problem, failure };
}

/** Asks for the completion in pieces where its text is wanted, and as a whole where the provider refuses that. */
async function receiveCompletion(exchange: Exchange, request: CompletionRequest): Promise<Received> {
  const received = await sendCompletion(exchange, request);
  if (!request.onText || received.streamed || !refusesUsageOption(received.status, received.text)) return received;
  return sendCompletion(exchange, { ...request, onText: undefined });
}

async function guardCompletion(
  guard: CallGuard | undefined,
  completion: Body,
  read: Reading & Pick<Outcome, 'httpStatus' | 'output' | 'timeToFirstTokenMs'>,
): Promise<Answered> {
  const { output } = guard ?? {};
  const changed = await output?.answer(completion);
  const blocked = output?.problem();
  if (blocked) {
    const { output: _, ...outcome } = read;
    return { outcome: { ...outcome, errorCode: blocked.code }, problem: blocked, failure: undefined };
  }
  const kept = changed ? JSON.stringify(changed) : read.output;
  const shown = output?.present(changed ?? completion) ?? completion;
  return {
    outcome: { ...read, status: 'completed', output: kept },
    reply: { completion: shown, usage: read.usage },
  };
}

async function sendCompletion(
  exchange: Exchange,
  { format, key, model, body, share, onText, trace }: CompletionRequest,
): Promise<Received> {
  const { path, translation } = format;
  const providerModel = sentModel(key, model);
  const whole = { ...body, model: providerModel };
  const asked = onText ? askInPieces(whole) : whole;
  const carried = translation ? translation.ask(asked, key.provider.name) : asked;
  const tooLate = new AbortController();
  const { headersTimeoutMs, idleTimeoutMs } = key.provider;
  // Each wait has its own limit. This limits the total, for a provider that sends a little now and then.
  const timer = setTimeout(() => tooLate.abort(new ProxyError('upstream_timeout')), headersTimeoutMs + idleTimeoutMs);
  try {
    const { signal } = tooLate;
    const answer = await relay(translation ? translating(exchange, translation) : exchange, {
      method: 'POST',
      path,
      model: providerModel,
      key,
      headers: trace?.attempt({ key, path, model: providerModel }, headers) ?? headers,
      body: JSON.stringify(onText ? withUsage(format, carried) : carried),
      signal,
    });
    if (onText && comesInPieces(answer)) {
      const reader = format.readStream({ hideUsage: false, keepOutput: true, body: asked });
      const streamed = await readInPieces(answer, reader, share, onText, maxAnswerBytes);
      return { status: answer.status, told: answer.headers, text: streamed.output, streamed };
    }
    const text = (await readWhole(answer, share, maxAnswerBytes)).toString('utf8');
    return { status: answer.status, told: answer.headers, text };
  } finally {
    clearTimeout(timer);
  }
}
