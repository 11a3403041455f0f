/** A clock that a test moves: nothing becomes due before the test has seen what was before it. */
export class HeldClock {
  #nowMs: number;

  constructor(nowMs = Date.now()) {
    this.#nowMs = nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  readonly read = (): number => this.#nowMs;
}
