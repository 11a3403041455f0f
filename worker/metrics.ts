import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { TaskDepth } from '../database/jobs.ts';
import type { ReviewDepth } from '../database/reviews/depths.ts';

export type WorkerMetrics = ReturnType<typeof makeWorkerMetrics>;

/** Makes the metrics of jobs, whose labels are the names of tasks and outcomes, and of what waits for reviewers. */
export function makeWorkerMetrics(registry: Registry) {
  const registers = [registry];
  const jobs = new Gauge({
    name: 'chaperone_jobs',
    help: 'Background jobs in the database by task and state: waiting, running or dead (no attempt left).',
    labelNames: ['task', 'state'],
    registers,
  });
  const oldest = new Gauge({
    name: 'chaperone_jobs_oldest_seconds',
    help: 'How long the oldest job of a task has been due without being begun.',
    labelNames: ['task'],
    registers,
  });
  const reviews = new Gauge({
    name: 'chaperone_review_items',
    help: 'Open items of the review queue, by organization and state: queued, or in_review (claimed).',
    labelNames: ['organization', 'state'],
    registers,
  });
  const oldestReview = new Gauge({
    name: 'chaperone_review_oldest_seconds',
    help: 'How long the oldest open item of the review queue has waited, by organization.',
    labelNames: ['organization'],
    registers,
  });
  return {
    attempts: new Counter({
      name: 'chaperone_job_attempts_total',
      help: 'Attempts of background jobs, by task and outcome: completed, failed or dead (the last attempt failed).',
      labelNames: ['task', 'outcome'],
      registers,
    }),
    duration: new Histogram({
      name: 'chaperone_job_duration_seconds',
      help: 'Duration of an attempt of a background job.',
      labelNames: ['task', 'outcome'],
      buckets: [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900],
      registers,
    }),
    takenOver: new Counter({
      name: 'chaperone_jobs_taken_over_total',
      help: 'Jobs that were given back since their worker had ended without finishing them.',
      registers,
    }),
    removed: new Counter({
      name: 'chaperone_retention_removed_total',
      help: 'Rows that were removed since their organization keeps them no longer (storage.retention), by what they are. Those of dropped partitions are not counted.',
      labelNames: ['what'],
      registers,
    }),
    resolved: new Counter({
      name: 'chaperone_support_idle_resolved_total',
      help: 'Conversations with the support desk that were resolved since nobody had continued them (spec.support.resolveAfter).',
      registers,
    }),
    expired: new Counter({
      name: 'chaperone_held_answers_expired_total',
      help: 'Answers that a guardrail held and that nobody decided about in time (spec.insights.review.holdDuration).',
      registers,
    }),
    openOrganizations: new Gauge({
      name: 'chaperone_worker_open_organizations',
      help: 'Organizations that this worker holds open.',
      registers,
    }),
    /** Shows what is in the database. */
    show(depths: readonly TaskDepth[]): void {
      jobs.reset();
      oldest.reset();
      for (const { task, waiting, running, dead, oldestS } of depths) {
        jobs.set({ task, state: 'waiting' }, waiting);
        jobs.set({ task, state: 'running' }, running);
        jobs.set({ task, state: 'dead' }, dead);
        oldest.set({ task }, oldestS);
      }
    },
    showReviews(depths: readonly ReviewDepth[]): void {
      reviews.reset();
      oldestReview.reset();
      for (const { organization, queued, inReview, oldestS } of depths) {
        reviews.set({ organization, state: 'queued' }, queued);
        reviews.set({ organization, state: 'in_review' }, inReview);
        oldestReview.set({ organization }, oldestS);
      }
    },
  };
}
