const maxPieces = 16;

/**
 * Text that comes in many small pieces. A piece can be a slice of the event that it came with, and would keep all of the
 * event in memory, so the pieces are copied to blocks.
 */
export class JoinedText {
  readonly #blocks: string[] = [];
  #pieces: string[] = [];

  add(text: string): void {
    if (text === '') return;
    this.#pieces.push(text);
    if (this.#pieces.length < maxPieces) return;
    this.#blocks.push(this.#pieces.join(''));
    this.#pieces = [];
  }

  toString(): string {
    return [...this.#blocks, ...this.#pieces].join('');
  }
}
