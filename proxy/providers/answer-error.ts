import { ProxyError } from '../error.ts';
import { asObject, asString, errorCodeOf, parseObject } from './json.ts';

/** An error that a provider answered with, as the cause of the problem that we make of it. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly status: number;
  /** The field that it is about, as the provider names it. */
  readonly param: string | null;

  constructor(status: number, detail: unknown, text: string) {
    const error = asObject(detail);
    super(asString(error?.message) ?? text);
    this.status = status;
    this.param = asString(error?.param);
  }
}

/**
 * What a provider's error means to a caller who did not make the call himself. It is told of by its code alone, since its
 * words may quote what nobody else should see.
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
