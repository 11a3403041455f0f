/**
 * Remembers the last `most` values, and at least half of them. There are two halves, as of points (points.ts): when the newer
 * one is full, it becomes the older one, and the former older one goes as a whole. So a new value does not have to drive out
 * another one, which took a fifth of the time of linking a call.
 */
export class Recent<Value> {
  readonly #half: number;
  #newer = new Map<number, Value>();
  #older = new Map<number, Value>();

  constructor(most: number) {
    this.#half = Math.ceil(most / 2);
  }

  get isEmpty(): boolean {
    return this.#newer.size === 0;
  }

  get(key: number): Value | undefined {
    const found = this.#newer.get(key);
    if (found !== undefined) return found;
    const former = this.#older.get(key);
    if (former !== undefined) this.set(key, former);
    return former;
  }

  set(key: number, value: Value): void {
    if (this.#newer.size >= this.#half && !this.#newer.has(key)) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(key, value);
  }
}
