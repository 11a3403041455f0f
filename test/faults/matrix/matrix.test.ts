import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';
import type { Fault } from './fault.ts';
import { faultsByKind } from './faults.ts';
import { type Installation, startInstallation } from './installation.ts';
import { readPlaces } from './records.ts';
import { type Row, rowOf, type Skipped, writeReport } from './report.ts';
import { judge, runFault } from './run.ts';
import { findSecrets } from './secrets.ts';

/** `npm run test:faults`: the core; `-- --all`: every fault; `-- --only=TEXT`: those whose names match. */
const { CHAPERONE_FAULTS: chosen = 'core', CHAPERONE_FAULTS_ONLY: only } = process.env;
const isChosen = (fault: Fault) =>
  only === undefined ? chosen === 'all' || fault.isCore === true : new RegExp(only).test(fault.name);

describe('the fault matrix', () => {
  const scope = suiteScope();
  const rows: Row[] = [];
  const skipped: Skipped[] = [];
  const run = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const told: string[] = [];
  let installation: Installation;
  before(async () => {
    installation = await startInstallation(scope);
  });
  after(() =>
    writeReport(
      { rows, skipped },
      {
        isPart: only !== undefined,
        publishes: process.env.CHAPERONE_FAULTS_PUBLISH === '1',
        order: Object.values(faultsByKind).flatMap((faults) => faults.map(({ name }) => name)),
      },
    ),
  );

  for (const [kind, faults] of Object.entries(faultsByKind)) {
    describe(kind, () => {
      for (const fault of faults.filter(isChosen)) {
        const lack = fault.lacks?.();
        if (lack !== undefined) skipped.push({ fault: fault.name, reason: lack });
        it(fault.name, { skip: lack ?? false }, async (t) => {
          const outcome = await runFault(installation, t, fault).catch((error) => {
            skipped.push({ fault: fault.name, reason: 'it did not end' });
            throw error;
          });
          const row = rowOf(run, kind, outcome);
          rows.push(row);
          told.push(...outcome.told);
          const { comparison, slowest, notes } = outcome;
          t.diagnostic(JSON.stringify({ ...row, refused: comparison.refused, slowest, notes }));
          judge(fault, outcome);
        });
      }
    });
  }

  it('every place for a concurrent call is free again', async () => {
    await until(async () => (await installation.withDatabase(readPlaces)) === 0, 'all places to be free');
  });

  it('nothing secret is in logs, metrics, traces, the database, the spool or an answer', async () => {
    assert.deepEqual(await findSecrets(installation, told), []);
  });
});
