import type { ProxyError } from '../../error.ts';
import type { Attempt } from '../attempt.ts';
import type { Failure } from '../route/failure.ts';

/**
 * Tells the client, in headers, who answered a call and what came before: `X-Chaperone-Provider`,
 * `X-Chaperone-Attempts`, and where there was more than one, `X-Chaperone-Failed-Attempts`.
 */
export class AttemptStory {
  readonly #clientHeaders: Record<string, string>;
  #provider = '';
  #attempts = 0;
  #failures = '';

  /** @param headers our own headers for the client, which it adds to */
  constructor(headers: Record<string, string>) {
    this.#clientHeaders = headers;
  }

  begin({ key }: Attempt): void {
    this.#provider = key.provider.name;
    this.#attempts += 1;
    this.#clientHeaders['x-chaperone-provider'] = this.#provider;
    this.#clientHeaders['x-chaperone-attempts'] = String(this.#attempts);
  }

  /** The present attempt has failed, and another takes its place. */
  failed({ kind, status, reason }: Failure): void {
    const what = [this.#provider, kind, status === null ? [] : status, reason].flat().join(' ');
    this.#failures = this.#failures === '' ? what : `${this.#failures}, ${what}`;
    this.#clientHeaders['x-chaperone-failed-attempts'] = this.#failures;
  }

  /** Adds these headers to a problem, which the proxy answers itself. */
  told(problem: ProxyError): ProxyError {
    if (this.#attempts === 0) return problem;
    problem.headers = {
      ...problem.headers,
      'x-chaperone-provider': this.#provider,
      'x-chaperone-attempts': String(this.#attempts),
      ...(this.#failures !== '' && { 'x-chaperone-failed-attempts': this.#failures }),
    };
    return problem;
  }
}
