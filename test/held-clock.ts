/** A clock that a test moves, so that nothing becomes due before the test has seen the state before. */
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
