/** A text that a model is to read. */
export interface Material {
  readonly role: string;
  readonly text: string;
}

/**
 * A token has three bytes of UTF-8 or more in nearly every text: English has four, Chinese three. So the estimate is
 * rather too high.
 */
const bytesPerToken = 3;
/** What a message takes beside its text. */
const messageTokens = 8;

/** How many tokens a model reads the material as, at most. */
export function estimateTokens(material: readonly Material[]): number {
  return material.reduce((sum, { text }) => sum + tokensOf(text), 0);
}

/**
 * Splits material into parts that have at most so many tokens, in their order. A text that is larger than a part is
 * continued in the next one.
 */
export function toParts<M extends Material>(material: readonly M[], maxTokens: number): M[][] {
  const parts: M[][] = [];
  let part: M[] = [];
  let tokens = 0;
  for (const message of material.flatMap((whole) => toPieces(whole, maxTokens))) {
    const more = tokensOf(message.text);
    if (part.length > 0 && tokens + more > maxTokens) {
      parts.push(part);
      [part, tokens] = [[], 0];
    }
    part.push(message);
    tokens += more;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

function toPieces<M extends Material>(message: M, maxTokens: number): M[] {
  if (tokensOf(message.text) <= maxTokens) return [message];
  // No character has more than three bytes for each of its UTF-16 units.
  const length = Math.max(1, maxTokens - messageTokens);
  const pieces: M[] = [];
  for (let start = 0; start < message.text.length; ) {
    const end = start + length;
    // Both halves of a character stay together.
    const isCut = /[\uD800-\uDBFF]/.test(message.text.charAt(end - 1)) && length > 1;
    const text = message.text.slice(start, isCut ? end - 1 : end);
    pieces.push({ ...message, text });
    start += text.length;
  }
  return pieces;
}

function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken) + messageTokens;
}
