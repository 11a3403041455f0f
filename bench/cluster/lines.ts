import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Reads what a program prints: one JSON value a line. */
export interface LineReader {
  /** Waits for the first unread line that `isWanted` accepts. @throws after a minute */
  next<Line>(isWanted: (line: Line) => boolean): Promise<Line>;
  stop(): Promise<void>;
}

const patienceMs = 60_000;

/** @param name for people @param stop ends the program */
export function readLines(name: string, output: Readable, stop: () => Promise<void>): LineReader {
  const lines: string[] = [];
  let last = 'nothing';
  createInterface({ input: output }).on('line', (line) => lines.push(line));
  return {
    async next<Line>(isWanted: (line: Line) => boolean) {
      const deadline = performance.now() + patienceMs;
      for (;;) {
        for (let text = lines.shift(); text !== undefined; text = lines.shift()) {
          last = text;
          const line: Line = JSON.parse(text);
          if (isWanted(line)) return line;
        }
        if (performance.now() > deadline) throw new Error(`${name} does not see what it should, but ${last}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    stop,
  };
}
