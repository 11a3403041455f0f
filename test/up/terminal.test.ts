import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { copyQuickstart, makeDataDirectory, replaceFile } from '../directories.ts';
import { commandOf } from '../program.ts';

import { atEnd } from '../scope.ts';
import { until } from '../until.ts';

/** `chaperone up` over the quickstart, and what it has printed so far. */
async function startUp(t: TestContext, ...more: readonly string[]) {
  const directory = await copyQuickstart(t);
  const data = await makeDataDirectory(t);
  const { OPENAI_BASE_URL: _, OPENAI_API_KEY: __, ...environment } = process.env;
  const args = ['up', directory, '--port', '0', '--metrics-port', '0', '--data', data, ...more];
  const up = spawn(process.execPath, commandOf(...args), { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  atEnd(t, async () => {
    if (up.exitCode === null && up.kill('SIGTERM')) await once(up, 'exit');
  });
  const printed = { out: '', err: '' };
  up.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed.out += chunk;
  });
  up.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    printed.err += chunk;
  });
  const lines = () => printed.err.split('\n');
  const untilLine = (pattern: RegExp) => until(async () => lines().find((line) => pattern.test(line)), `${pattern}`);
  return { directory, printed, lines, untilLine };
}

/** Takes the provider keys away, and brings them back. */
async function withoutSecret(directory: string, work: () => Promise<unknown>): Promise<void> {
  const file = join(directory, 'local/openai-secret.yaml');
  await rename(file, `${file}~`);
  await work();
  await rename(`${file}~`, file);
}

describe('the terminal of `chaperone up`', () => {
  it('reports objects that are not ready, ready again or deleted, and mistakes in files', async (t) => {
    const { directory, printed, lines, untilLine } = await startUp(t);
    await until(async () => printed.out.includes('Ctrl-C stops everything.'), 'it to be up');
    assert.deepEqual(
      lines().filter((line) => line.startsWith('!')),
      [],
    );

    await withoutSecret(directory, () =>
      untilLine(
        /^! ApiKeyBinding default\/openai-shared is not ready \(SecretNotFound\): There is no Secret "openai" .* Create it/,
      ),
    );
    await untilLine(/^ApiKeyBinding default\/openai-shared is ready again: The key is in force/);

    const personas = join(directory, 'personas.yaml');
    const text = await readFile(personas, 'utf8');
    await replaceFile(personas, text.replace('temperature: 0.3', 'temperature: hot'));
    await untilLine(/^! personas\.yaml:\d+ Persona default\/support-agent: spec\.parameters\.temperature: .*number/);
    await replaceFile(personas, text);
    await untilLine(/^personas\.yaml Persona default\/support-agent: corrected$/);
    // Two mistakes in one object, and then none: that is one thing to tell.
    const recoveries = () =>
      lines().filter((line) => /^personas\.yaml Persona default\/support-agent: corrected/.test(line)).length;
    await replaceFile(personas, text.replace('content:', 'contnet:'));
    await untilLine(/^! personas\.yaml:\d+ Persona default\/support-agent: spec\.contnet: unknown field$/);
    await replaceFile(personas, text);
    await until(async () => recoveries() > 1, 'it to be ready again');

    await rm(personas);
    const gone = await untilLine(/^Deleted, since no file contains them any more: /);
    assert.match(gone ?? '', /Persona default\/finance-analyst.*Persona default\/support-agent$/);
    await replaceFile(personas, text);
    await untilLine(/^Persona default\/support-agent is new: The persona is in force/);
    assert.equal(recoveries(), 2);
    t.diagnostic(`\n${printed.err}`);
  });

  it('with --json prints one line on standard output, and only problems on standard error', async (t) => {
    const { directory, printed, lines, untilLine } = await startUp(t, '--json');
    await until(async () => printed.out.includes('\n'), 'it to be up');
    await withoutSecret(directory, () => untilLine(/^! ApiKeyBinding default\/openai-shared is not ready/));
    await rm(join(directory, 'personas.yaml'));
    // Whatever is told of both comes before this.
    await replaceFile(join(directory, 'last.yaml'), 'kind: Nothing\n');
    await untilLine(/^! last\.yaml/);
    assert.match(printed.out, /^\{.*\}\n$/);
    assert.deepEqual(
      lines().filter((line) => line !== '' && !line.startsWith('! ')),
      [],
    );
  });
});
