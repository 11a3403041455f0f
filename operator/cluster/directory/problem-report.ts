import { isDeepStrictEqual } from 'node:util';
import type { FileProblem } from './directory-error.ts';

export interface ProblemReport {
  /** Replaces the current problems, and reports new ones and solved ones. */
  replace(found: readonly FileProblem[]): void;
  current(): readonly FileProblem[];
}

export function makeProblemReport(
  onProblem: (problem: FileProblem) => void,
  onFixed: (problem: FileProblem) => void,
): ProblemReport {
  let problems: readonly FileProblem[] = [];
  return {
    replace: (found) => {
      const known = problems;
      problems = found;
      for (const problem of without(known, found)) onFixed(problem);
      for (const problem of without(found, known)) onProblem(problem);
    },
    current: () => problems,
  };
}

function without(problems: readonly FileProblem[], others: readonly FileProblem[]): readonly FileProblem[] {
  return problems.filter((problem) => !others.some((other) => isDeepStrictEqual(problem, other)));
}
