import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Sample } from '../../../cli/top/sample.ts';
import { readFromDatabase } from '../../../cli/top/source.ts';
import { makeTenant, type OwnedDatabase, openDatabase } from '../../database/tenant.ts';
import { makeDirectory } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { until } from '../../until.ts';

const scope = suiteScope();
let database: OwnedDatabase;
let databaseUrlFile: string;

before(async () => {
  database = await openDatabase(scope);
  databaseUrlFile = join(await makeDirectory(scope), 'url');
  await writeFile(databaseUrlFile, database.url);
});
const usual = { organization: undefined, windowS: 60, intervalMs: 5, signal: new AbortController().signal };

test('samples come until it is stopped, or as many as are asked for', async () => {
  const samples: Sample[] = [];
  const stopped = new AbortController();
  const onSample = (sample: Sample) => {
    samples.push(sample);
    if (samples.length === 3) stopped.abort();
  };
  await readFromDatabase({ databaseUrlFile }, { ...usual, signal: stopped.signal, onSample });
  assert.equal(samples.length, 3);
  await readFromDatabase({ databaseUrlFile }, { ...usual, count: 1, onSample });
  assert.equal(samples.length, 4);
});

test('an organization that is not there is an error', async () => {
  await makeTenant(database);
  const asked = { ...usual, organization: 'nobody', onSample: () => {} };
  await assert.rejects(readFromDatabase({ databaseUrlFile }, asked), /There is no organization "nobody"/);
});

test('a connection that is lost between two samples is an error, and does not end the process', async () => {
  let samples = 0;
  const onSample = () => {
    samples += 1;
  };
  const reading = readFromDatabase({ databaseUrlFile }, { ...usual, intervalMs: 300, onSample });
  const failed = assert.rejects(reading, /connection|terminat/i);
  await until(() => samples > 0, 'a sample');
  await database.owner.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'chaperone-top' and datname = current_database()`,
  );
  await failed;
});
