import { RE2JS } from 're2js';

/** What an instruction of RE2's automaton does. The numbers are re2js's. */
const opcodes = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  emptyWidth: 4,
  fail: 5,
  match: 6,
  nop: 7,
  firstRune: 8,
  lastRune: 11,
};
const anyRune = 10;
const anyButNewline = 11;

/** The assertions of RE2 that an instruction may ask for. */
export const assertions = {
  beginLine: 1,
  endLine: 2,
  beginText: 4,
  endText: 8,
  wordBoundary: 16,
  noWordBoundary: 32,
} as const;

export type Instruction =
  | { readonly type: 'split'; readonly first: number; readonly second: number }
  | { readonly type: 'assert'; readonly assertions: number; readonly next: number }
  | { readonly type: 'skip'; readonly next: number }
  | { readonly type: 'fail' }
  | { readonly type: 'match'; readonly pattern: number }
  | { readonly type: 'character'; readonly next: number; readonly accepts: (codePoint: number) => boolean };

/** The automata of all patterns, one after another. */
export interface Program {
  readonly instructions: readonly Instruction[];
  /** Where the automaton of each pattern starts. */
  readonly starts: readonly number[];
}

interface CompiledInstruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  matchRune(codePoint: number): boolean;
}

interface Compiled {
  readonly re2Input: { readonly prog: { readonly inst: readonly CompiledInstruction[]; readonly start: number } };
}

export interface Source {
  readonly pattern: string;
  readonly ignoreCase: boolean;
}

/**
 * Compiles patterns by re2js, and takes its automata. re2js itself matches whole texts only; the automaton can be run
 * over a text that arrives in pieces, and says at each of them whether it is in the middle of a possible match.
 * @throws if a pattern is not in RE2's syntax
 */
export function compileProgram(sources: readonly Source[]): Program {
  const instructions: Instruction[] = [];
  const starts: number[] = [];
  for (const [index, { pattern, ignoreCase }] of sources.entries()) {
    const compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0) as unknown as Compiled;
    const { inst, start } = compiled.re2Input.prog;
    const offset = instructions.length;
    starts.push(start + offset);
    for (const instruction of inst) instructions.push(toInstruction(instruction, offset, index));
  }
  return { instructions, starts };
}

function toInstruction(instruction: CompiledInstruction, offset: number, pattern: number): Instruction {
  const { op, arg } = instruction;
  const next = instruction.out + offset;
  if (op === opcodes.alt || op === opcodes.altMatch) return { type: 'split', first: next, second: arg + offset };
  if (op === opcodes.capture || op === opcodes.nop) return { type: 'skip', next };
  if (op === opcodes.emptyWidth) return { type: 'assert', assertions: arg, next };
  if (op === opcodes.fail) return { type: 'fail' };
  if (op === opcodes.match) return { type: 'match', pattern };
  if (op >= opcodes.firstRune && op <= opcodes.lastRune)
    return { type: 'character', next, accepts: toTest(instruction) };
  throw new Error(`re2js compiled an unknown instruction ${op}`);
}

/** A table for ASCII, and re2js's own search beyond. */
function toTest(instruction: CompiledInstruction): (codePoint: number) => boolean {
  if (instruction.op === anyRune) return () => true;
  if (instruction.op === anyButNewline) return (codePoint) => codePoint !== 10;
  const ascii = Uint8Array.from({ length: 128 }, (_, codePoint) => (instruction.matchRune(codePoint) ? 1 : 0));
  return (codePoint) => (codePoint < 128 ? ascii[codePoint] === 1 : instruction.matchRune(codePoint));
}

/** What can begin a match: a table for ASCII, and whether anything beyond can. */
export interface FirstCharacters {
  readonly ascii: Uint8Array;
  readonly beyond: boolean;
}

/** @returns undefined if the pattern can match the empty text */
export function findFirstCharacters({ instructions }: Program, start: number): FirstCharacters | undefined {
  const ascii = new Uint8Array(128);
  let beyond = false;
  const seen = new Set<number>();
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const instruction = instructions[at];
    if (instruction === undefined || seen.has(at)) continue;
    seen.add(at);
    if (instruction.type === 'match') return undefined;
    if (instruction.type === 'split') open.push(instruction.first, instruction.second);
    else if (instruction.type === 'assert' || instruction.type === 'skip') open.push(instruction.next);
    else if (instruction.type === 'character') {
      for (let unit = 0; unit < 128; unit++) if (instruction.accepts(unit)) ascii[unit] = 1;
      beyond = true;
    }
  }
  return { ascii, beyond };
}
