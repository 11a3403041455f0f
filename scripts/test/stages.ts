import { availableParallelism } from 'node:os';

/** Test files that run beside each other. The next stage begins when all of them are done. */
export interface Stage {
  readonly files: readonly string[];
  /** How many batches run at once. */
  readonly concurrency: number;
}

const e2e = /^test\/e2e\//;

/** They need the whole cluster for themselves: they judge, break or replace the installation that the others use. */
const alone = /^test\/e2e\/(?:check|faults|install|training|upgrade|walk|webhook-away|worker-faults)\.test\.ts$/;

/** It measures how long refusals take, and breaks what others would use. */
const faultMatrix = /^test\/faults\/matrix\/(?:matrix|planted-secrets)\.test\.ts$/;

/** Splits a run into stages. */
export function toStages(files: readonly string[]): Stage[] {
  const stages = [
    // Most test files wait for sockets and for Postgres rather than for the processor.
    {
      files: files.filter((file) => !e2e.test(file) && !faultMatrix.test(file)),
      concurrency: availableParallelism() + 3,
    },
    // They wait for pods, whose processes need the processor, too.
    { files: files.filter((file) => e2e.test(file) && !alone.test(file)), concurrency: availableParallelism() + 1 },
    { files: files.filter((file) => alone.test(file)), concurrency: 1 },
    { files: files.filter((file) => faultMatrix.test(file)), concurrency: 1 },
  ];
  return stages.filter((stage) => stage.files.length > 0);
}
