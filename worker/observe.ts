import type { WorkerMetrics } from './metrics.ts';

export type Outcome = 'completed' | 'failed' | 'dead';

/** Begins an attempt of a job or a chore. @returns counts its end */
export function beginAttempt({ attempts, duration }: Pick<WorkerMetrics, 'attempts' | 'duration'>, task: string) {
  const startedTicks = performance.now();
  return (outcome: Outcome): void => {
    attempts.inc({ task, outcome });
    duration.observe({ task, outcome }, (performance.now() - startedTicks) / 1_000);
  };
}
