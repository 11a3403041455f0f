import type { BenchmarkContext, Result } from '../benchmark.ts';

/** What a part of the benchmark works with. */
export interface PartContext extends BenchmarkContext {
  /** How many of what the part is about. */
  readonly count: number;
  /** For everything that the part stores. */
  readonly directory: string;
  /** Whether somebody named the directory: then what is in it is used, and stays there. */
  readonly isKept: boolean;
  /** Where to write CPU profiles of the operator. Undefined: nowhere. */
  readonly profileDirectory: string | undefined;
}

/** A part of the benchmark, which can be measured alone. */
export type Part = (context: PartContext) => Promise<Result>;
