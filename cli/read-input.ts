import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The line that ends an input which does not end by itself: the end of a YAML document. */
export const endOfInput = '...';

/** Reads standard input to its end, or to a line `...`: what is sent into a pod has no end. */
export async function readInput(input: Readable): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === endOfInput) break;
    lines.push(line);
  }
  input.destroy();
  return lines.join('\n');
}
