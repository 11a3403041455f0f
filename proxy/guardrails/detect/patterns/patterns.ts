import { DetectorConfigError } from '../config-error.ts';
import type { Detector, Match } from '../detector.ts';
import { type Automaton, openAutomatonStream } from './automaton.ts';
import { compileProgram, type FirstCharacters, findFirstCharacters, type Program } from './program.ts';

export interface PatternConfig {
  /** What its matches are called. `pattern`, if absent. */
  readonly name?: string;
  /** In RE2's syntax: no back-references, and no look-around. */
  readonly pattern: string;
  readonly ignoreCase?: boolean;
}

export interface PatternsConfig {
  readonly detector: 'patterns';
  readonly patterns: readonly PatternConfig[];
  /** The longest match in UTF-16 units, and so the most text that a stream holds back. 256, if absent. */
  readonly maxMatchLength?: number;
}

/** A rule's bounds. All patterns together are one automaton, whose size bounds the work per character. */
const mostPatterns = 100;
const longestPattern = 1_000;
const mostInstructions = 5_000;
const defaultMatchLength = 256;
const longestMatch = 4_096;

/** @throws {DetectorConfigError} */
export function makePatternsDetector({ patterns, maxMatchLength = defaultMatchLength }: PatternsConfig): Detector {
  if (patterns.length === 0) throw new DetectorConfigError('patterns', 'must have at least one pattern');
  if (patterns.length > mostPatterns) throw new DetectorConfigError('patterns', `must have at most ${mostPatterns}`);
  if (!(maxMatchLength >= 1 && maxMatchLength <= longestMatch)) {
    throw new DetectorConfigError('maxMatchLength', `must be from 1 to ${longestMatch}`);
  }
  for (const [index, pattern] of patterns.entries()) check(pattern, `patterns[${index}].pattern`);
  const program = compile(patterns);
  if (program.instructions.length > mostInstructions) {
    const size = program.instructions.length;
    throw new DetectorConfigError(
      'patterns',
      `must be smaller: they make ${size} instructions of at most ${mostInstructions}; large {counts} make the most`,
    );
  }
  const kinds = patterns.map(({ name = 'pattern' }) => name);
  return makeAutomatonDetector({ program, kinds, first: findFirst(program), maxLength: maxMatchLength });
}

function makeAutomatonDetector(automaton: Automaton): Detector {
  const { ascii, beyond } = automaton.first;
  const mayMatch = (text: string): boolean => {
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit < 128 ? ascii[unit] === 1 : beyond) return true;
    }
    return false;
  };
  return {
    name: 'patterns',
    kinds: [...new Set(automaton.kinds)],
    // The match, the character after it, and the first half of a pair.
    maxHeldBack: automaton.maxLength + 3,
    scan: (text) => (mayMatch(text) ? scanAll(automaton, text) : []),
    openStream: () => openAutomatonStream(automaton),
  };
}

function scanAll(automaton: Automaton, text: string): readonly Match[] {
  const stream = openAutomatonStream(automaton);
  return [...stream.push(text).matches, ...stream.end().matches];
}

function check({ pattern }: PatternConfig, field: string): void {
  if (pattern.length > longestPattern) {
    throw new DetectorConfigError(field, `must have at most ${longestPattern} characters`);
  }
  const program = compile([{ pattern }], field);
  const [start = 0] = program.starts;
  if (findFirstCharacters(program, start) === undefined) {
    throw new DetectorConfigError(field, 'must not match the empty text: write + instead of *, or leave ? out');
  }
}

function compile(patterns: readonly PatternConfig[], field = 'patterns'): Program {
  try {
    return compileProgram(patterns.map(({ pattern, ignoreCase = false }) => ({ pattern, ignoreCase })));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DetectorConfigError(field, `must be in the syntax of RE2: ${reason}`, { cause: error });
  }
}

function findFirst(program: Program): FirstCharacters {
  const all = program.starts.flatMap((start) => findFirstCharacters(program, start) ?? []);
  const ascii = Uint8Array.from({ length: 128 }, (_, unit) => (all.some((each) => each.ascii[unit] === 1) ? 1 : 0));
  return { ascii, beyond: all.some(({ beyond }) => beyond) };
}
