/** Processor time in milliseconds. */
export interface ProcessorTime {
  /** Of one process. */
  readonly own: number;
  /** Of the processes that it has started and that have ended. */
  readonly children: number;
}

/** A line of the file that CHAPERONE_TEST_TIMES names. */
export interface TimedPart extends ProcessorTime {
  /** A test file, or one of `otherParts`. */
  readonly part: string;
}

export const otherParts = {
  /** Node's test runner, and what `setup.ts` starts. Its children include all other processes. */
  runner: 'runner',
  postgres: 'PostgreSQL',
  /** Of all batches: loading modules, and hooks at the top of files. */
  batches: 'loading',
} as const;
