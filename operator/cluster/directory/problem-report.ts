import { isDeepStrictEqual } from 'node:util';
import type { FileProblem } from './directory-error.ts';

export interface ProblemReport {
  /** Replaces the current problems, and reports new ones and solved ones. */
  replace(found: readonly FileProblem[]): void;
  current(): readonly FileProblem[];
}

export function makeProblemReport(
  onProblem: (problem: FileProblem) => void,
  onFixed: (solved: readonly FileProblem[]) => void,
): ProblemReport {
  let problems: readonly FileProblem[] = [];
  return {
    replace: (found) => {
      const known = problems;
      problems = found;
      const solved = without(known, found);
      if (solved.length > 0) onFixed(solved);
      for (const problem of without(found, known)) onProblem(problem);
    },
    current: () => problems,
  };
}

function without(problems: readonly FileProblem[], others: readonly FileProblem[]): readonly FileProblem[] {
  return problems.filter((problem) => !others.some((other) => isDeepStrictEqual(problem, other)));
}
