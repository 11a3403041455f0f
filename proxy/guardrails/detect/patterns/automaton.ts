import { codePointAt, codePointBefore, isHighSurrogate } from '../characters.ts';
import type { Match, Progress, TextStream } from '../detector.ts';
import { assertions, type FirstCharacters, type Program } from './program.ts';

/** What an automaton needs, made once per configuration. */
export interface Automaton {
  readonly program: Program;
  /** The kind of match of each pattern. */
  readonly kinds: readonly string[];
  /** Of all patterns together. */
  readonly first: FirstCharacters;
  /** A match is no longer than this, in UTF-16 units. */
  readonly maxLength: number;
}

/** Before the beginning and after the end of the text. */
const outside = -1;
const newline = 10;

/**
 * Runs RE2's automaton over a text that arrives in pieces (a "Pike VM": all threads in step, in order of priority). The
 * leftmost match wins; among those that begin at one position, that of the first pattern, as the pattern prefers it.
 * The state is a function of the text read so far, so pieces do not matter.
 */
export function openAutomatonStream({ program, kinds, first, maxLength }: Automaton): TextStream {
  const { instructions, starts } = program;
  /** The threads before the next character: an instruction, and where its match began. In order of priority. */
  let threads: number[] = [];
  let begins: number[] = [];
  let nextThreads: number[] = [];
  let nextBegins: number[] = [];
  /** The step at which an instruction was visited last, so that only the thread of highest priority continues there. */
  const visited = new Float64Array(instructions.length).fill(-1);
  let step = 0;

  /** The text from `base` on. */
  let buffer = '';
  let base = 0;
  let position = 0;
  let previous = outside;
  let best: Match | undefined;

  /** Follows a thread to the characters that it waits for. @returns whether it reached a match, which ends the step */
  const follow = (instructionIndex: number, begin: number, holds: number, next: number): boolean => {
    const instruction = instructions[instructionIndex];
    if (instruction === undefined || visited[instructionIndex] === step) return false;
    visited[instructionIndex] = step;
    switch (instruction.type) {
      case 'split':
        return follow(instruction.first, begin, holds, next) || follow(instruction.second, begin, holds, next);
      case 'skip':
        return follow(instruction.next, begin, holds, next);
      case 'assert':
        return (instruction.assertions & ~holds) === 0 && follow(instruction.next, begin, holds, next);
      case 'match':
        best = { start: begin, end: position, kind: kinds[instruction.pattern] ?? '' };
        return true;
      case 'character':
        if (next !== outside && instruction.accepts(next)) {
          nextThreads.push(instruction.next);
          nextBegins.push(begin);
        }
        return false;
      case 'fail':
        return false;
    }
  };

  /** Reads one character, or the end. Afterwards `threads` are those that are alive. */
  const read = (next: number) => {
    step += 1;
    const holds = findAssertions(previous, next);
    let isCut = false;
    for (let index = 0; index < threads.length && !isCut; index++) {
      const begin = begins[index] ?? 0;
      if (position - begin <= maxLength) isCut = follow(threads[index] ?? 0, begin, holds, next);
    }
    if (best === undefined && next !== outside && (next < 128 ? first.ascii[next] === 1 : first.beyond)) {
      for (let index = 0; index < starts.length && !isCut; index++) {
        isCut = follow(starts[index] ?? 0, position, holds, next);
      }
    }
    [threads, nextThreads] = [nextThreads, threads];
    [begins, nextBegins] = [nextBegins, begins];
    nextThreads.length = 0;
    nextBegins.length = 0;
    position += next > 0xffff ? 2 : 1;
    previous = next;
  };

  /** Continues after a match. What was read beyond it is read again. */
  const restartAt = (from: number) => {
    threads.length = 0;
    begins.length = 0;
    best = undefined;
    position = from;
    previous = from > base ? codePointBefore(buffer, from - base) : outside;
  };

  const advance = (complete: boolean): Progress => {
    const matches: Match[] = [];
    const end = base + buffer.length;
    for (;;) {
      while (position < end && !(best !== undefined && threads.length === 0)) {
        const next = codePointAt(buffer, position - base);
        // Most characters begin nothing.
        if (threads.length === 0 && next < 128 && first.ascii[next] === 0) {
          position += 1;
          previous = next;
          continue;
        }
        // The second half of the pair has not come.
        if (isHighSurrogate(next) && position + 1 === end && !complete) break;
        read(next);
      }
      if (complete && position >= end && !(best !== undefined && threads.length === 0)) {
        read(outside);
        threads.length = 0;
      }
      if (best === undefined || threads.length > 0) break;
      const found: Match = best;
      matches.push(found);
      restartAt(found.end);
    }
    const settledUpTo = complete ? end : Math.min(position, begins[0] ?? position, best?.start ?? position);
    trim(settledUpTo);
    return { settledUpTo, matches };
  };

  /** Forgets settled text but the character before, which decides about `\b`. */
  const trim = (settledUpTo: number) => {
    const unneeded = settledUpTo - base - 2;
    if (unneeded <= 0) return;
    buffer = buffer.slice(unneeded);
    base += unneeded;
  };

  return {
    push: (text) => {
      buffer += text;
      return advance(false);
    },
    end: () => advance(true),
  };
}

function findAssertions(previous: number, next: number): number {
  let holds = 0;
  if (previous === outside) holds |= assertions.beginText | assertions.beginLine;
  else if (previous === newline) holds |= assertions.beginLine;
  if (next === outside) holds |= assertions.endText | assertions.endLine;
  else if (next === newline) holds |= assertions.endLine;
  const isBoundary = isWordCharacter(previous) !== isWordCharacter(next);
  return holds | (isBoundary ? assertions.wordBoundary : assertions.noWordBoundary);
}

/** RE2's `\b` knows ASCII only. */
function isWordCharacter(codePoint: number): boolean {
  const lower = codePoint | 32;
  return (codePoint >= 48 && codePoint <= 57) || (lower >= 97 && lower <= 122 && codePoint < 128) || codePoint === 95;
}
