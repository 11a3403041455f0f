import { ProxyError } from '../error.ts';
import { asObject, asString, errorCodeOf, parseObject } from './json.ts';

/** A provider's error, as the cause of our own error. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  /** The field that it concerns, as the provider names it. */
  readonly param: string | null;

  constructor(status: number, detail: unknown, text: string) {
    const error = asObject(detail);
    super(asString(error?.message) ?? text);
    this.status = status;
    this.param = asString(error?.param);
  }
}

/**
 * Turns a provider's error into our own, for a caller who did not make the call. It names only the code, since the
 * provider's message may quote data that the caller must not see.
 *
 * @param text the whole answer
 */
export function toAnswerProblem(status: number, text: string): { problem: ProxyError; code: string } {
  const detail = parseObject(text)?.error;
  const code = errorCodeOf(detail);
  const shown = /^\w{1,64}$/.test(code) ? ` ${code}` : '';
  const message = `the provider answered ${status}${shown}`;
  const cause = new AnswerError(status, detail, text);
  return {
    code,
    problem: new ProxyError(status === 429 ? 'upstream_rate_limited' : 'upstream_error', { message, cause }),
  };
}
