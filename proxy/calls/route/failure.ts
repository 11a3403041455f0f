import type { ProxyError } from '../../error.ts';
import type { AnswerHeaders } from '../../providers/answer-sink.ts';
import { asObject, type Body, errorCodeOf } from '../../providers/json.ts';
import type { Reading } from '../../providers/reading.ts';

/**
 * What an attempt's failure says about the next one.
 *
 * - `unreachable`: nothing of the request has left.
 * - `key_refused`: the provider does not accept this key, for this call.
 * - `rate_limited`: the key has had too many calls, or its quota is used up.
 * - `provider_error`: the provider says that it failed.
 * - `unknown`: the request was sent, and nobody knows whether the provider acted on it.
 * - `not_offered`: the provider does not have what is asked for. Nothing else is wrong with it.
 * - `request_refused`: the provider does not accept the call itself, so no other attempt helps.
 */
export type FailureKind =
  | 'unreachable'
  | 'key_refused'
  | 'rate_limited'
  | 'provider_error'
  | 'unknown'
  | 'not_offered'
  | 'request_refused';

/** Why an attempt failed. */
export interface Failure {
  readonly kind: FailureKind;
  /** Status of the answer. Null where there is none. */
  readonly status: number | null;
  /** The provider's error code, else ours. One word. */
  readonly reason: string;
  /** How long the provider asks to be left alone. Undefined where it does not say. */
  readonly retryAfterMs?: number | undefined;
  /** The figures of the failed answer, which the provider may bill. */
  readonly reading?: Reading | undefined;
  /** The whole answer. Empty where there is none. */
  readonly text: string;
}

/** The failure of a whole answer: an error status, or an error inside a 200. */
export function failureOfAnswer(
  status: number,
  headers: AnswerHeaders,
  answer: Body | null,
  reading: Reading,
  text: string,
): Failure {
  const error = answer?.error ?? answer;
  return {
    kind: status < 300 ? kindOfError(error) : kindOfStatus(status, codeOf(error)),
    status,
    reason: wordOf(codeOf(error) ?? reading.errorCode),
    retryAfterMs: retryAfterMsOf(headers),
    reading,
    text,
  };
}

/** The failure of a stream that reports an error before it has any content. */
export function failureOfStream(reading: Reading): Failure {
  const code = reading.errorCode ?? 'failed';
  return { kind: kindOfError({ code }), status: 200, reason: wordOf(code), reading, text: '' };
}

/**
 * The failure of an answer that did not come, or broke off.
 *
 * @param status of the answer's beginning; null where there is none
 */
export function failureOfProblem({ code }: ProxyError, isUnsent: boolean, status: number | null): Failure {
  const kind = isUnsent ? 'unreachable' : status === null || status < 300 ? 'unknown' : kindOfStatus(status, undefined);
  return { kind, status, reason: code.replace('upstream_', ''), text: '' };
}

/** Codes of a model or deployment that this key does not have; others may. */
const noModel: ReadonlySet<string> = new Set(['model_not_found', 'DeploymentNotFound']);
/** The provider, or a gateway before it, gave up waiting. What was asked may be under way. */
const givenUp: ReadonlySet<number> = new Set([408, 502, 504, 522, 524]);

function kindOfStatus(status: number, code: string | undefined): FailureKind {
  if (status === 401 || status === 402 || status === 403) return 'key_refused';
  if (status === 404 && code !== undefined && noModel.has(code)) return 'key_refused';
  if (status === 429) return 'rate_limited';
  if (givenUp.has(status)) return 'unknown';
  return status >= 500 ? 'provider_error' : 'request_refused';
}

const rateCode = /rate_?limit|quota|too_many_requests|resource_exhausted/i;
const keyCode = /api_key|authentication|permission|unauthorized|billing/i;
const providerCode = /server_error|overloaded|internal|unavailable|timeout|capacity|^upstream_error$|^failed$/i;

/** The kind of an error inside a 200. Without a code, nothing says that the call itself is at fault. */
function kindOfError(error: unknown): FailureKind {
  const code = codeOf(error);
  if (code === undefined) return 'provider_error';
  const status = Number(code);
  if (Number.isInteger(status) && status >= 400 && status < 600) return kindOfStatus(status, undefined);
  if (rateCode.test(code)) return 'rate_limited';
  if (keyCode.test(code) || noModel.has(code)) return 'key_refused';
  return providerCode.test(code) ? 'provider_error' : 'request_refused';
}

/** The code of an error. Some servers have numbers for codes, those of HTTP. */
function codeOf(error: unknown): string | undefined {
  const { code, type } = asObject(error) ?? {};
  if (typeof code === 'number') return String(code);
  return typeof code === 'string' || typeof type === 'string' ? errorCodeOf(error) : undefined;
}

/** Codes are the provider's text, and they go into headers, records and logs. */
function wordOf(code: string | null | undefined): string {
  return code != null && /^[\w.-]{1,64}$/.test(code) ? code : 'upstream_error';
}

/** Longer waits are not kept: the provider may have recovered. */
const longestWaitMs = 3_600_000;

/** `retry-after-ms` is OpenAI's, `retry-after` has seconds or a date (RFC 9110, section 10.2.3). */
export function retryAfterMsOf(told: AnswerHeaders, nowMs: number = Date.now()): number | undefined {
  const exact = Number(told['retry-after-ms'] ?? Number.NaN);
  if (exact >= 0) return Math.min(exact, longestWaitMs);
  const stated = told['retry-after'];
  if (typeof stated !== 'string' || stated.trim() === '') return undefined;
  const seconds = Number(stated);
  const waitMs = Number.isNaN(seconds) ? Date.parse(stated) - nowMs : seconds * 1_000;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(0, waitMs), longestWaitMs);
}
