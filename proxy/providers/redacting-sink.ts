import type { ProxyError } from '../error.ts';
import type { AnswerHeaders, AnswerSink } from './answer-sink.ts';
import { Redactor, type Secret } from './redact.ts';

/** Removes the provider key from the passing bytes, even where it is split between two chunks. */
export class RedactingSink implements AnswerSink {
  readonly #redactor: Redactor;
  readonly #next: AnswerSink;

  constructor(secret: Secret, next: AnswerSink) {
    this.#redactor = new Redactor(secret);
    this.#next = next;
  }

  sent(): void {
    this.#next.sent?.();
  }

  head(status: number, headers: AnswerHeaders): void {
    this.#next.head(status, headers);
  }

  chunk(bytes: Buffer): boolean {
    const clean = this.#redactor.push(bytes);
    return clean.length === 0 || this.#next.chunk(clean);
  }

  end(last?: Buffer): void {
    const clean = last && this.#redactor.push(last);
    const held = this.#redactor.end();
    if (!clean || clean.length === 0) this.#next.end(held.length === 0 ? undefined : held);
    else this.#next.end(held.length === 0 ? clean : Buffer.concat([clean, held]));
  }

  fail(problem: ProxyError, isUnsent?: boolean): void {
    this.#next.fail(problem, isUnsent);
  }
}
