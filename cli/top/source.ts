import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { readLive } from '../../database/analytics/live.ts';
import { findOrganization } from '../../database/organizations.ts';
import type { ClusterInstallation } from '../installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from '../owner-database.ts';
import { type Sample, toSample } from './sample.ts';

export interface SourceOptions {
  readonly organization: string | undefined;
  readonly windowS: number;
  readonly intervalMs: number;
  /** How many samples. Absent: until it is aborted. */
  readonly count?: number;
  readonly signal: AbortSignal;
  readonly onSample: (sample: Sample) => void;
}

/** Reads samples from the database until aborted. @throws where it cannot be read */
export async function readFromDatabase(database: OwnerDatabase, options: SourceOptions): Promise<void> {
  const { organization, windowS, intervalMs, count = Number.POSITIVE_INFINITY, signal, onSample } = options;
  await withOwnerDatabase(database, 'top', async (db) => {
    if (organization !== undefined && !(await findOrganization(db, organization)))
      throw new Error(`There is no organization "${organization}" in the database`);
    for (let number = 1; !signal.aborted; number += 1) {
      onSample(toSample(await readLive(db, organization ?? null, windowS), windowS, new Date()));
      if (number >= count) return;
      await delay(intervalMs, undefined, { signal }).catch(() => {});
    }
  });
}

/** Has a pod of the operator read them, which reaches the database. @throws where it cannot */
export async function readFromCluster(installation: ClusterInstallation, options: SourceOptions): Promise<void> {
  const { runInOperator } = await import('../cluster/run-in-operator.ts');
  const { organization, windowS, intervalMs, count, signal, onSample } = options;
  const output = new PassThrough();
  const lines = createInterface({ input: output });
  lines.on('line', (line) => onSample(JSON.parse(line) as Sample));
  const command = [
    ...['top', '--output', 'json', '--window', `${windowS}s`, '--interval', `${Math.round(intervalMs / 1_000)}s`],
    ...(count === 1 ? ['--once'] : []),
    ...(organization === undefined ? [] : ['--organization', organization]),
  ];
  const code = await runInOperator(installation, command, undefined, { output, signal });
  if (code !== 0 && !signal.aborted) throw new Error('The command in the operator’s pod has failed');
}
