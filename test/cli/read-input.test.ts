import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { endOfInput, readInput } from '../../cli/read-input.ts';
import { parsePeriod } from '../../cli/simulate/period.ts';

test('an input ends with its end, or with a line of three dots', async () => {
  const [ended, open] = [new PassThrough(), new PassThrough()];
  ended.end('a: 1\nb: ...\n');
  open.write(`a: 1\n---\nb: 2\n${endOfInput}\nnot read`);
  assert.equal(await readInput(ended), 'a: 1\nb: ...');
  assert.equal(await readInput(open), 'a: 1\n---\nb: 2');
});

test('a period is read from durations and times', () => {
  const nowMs = Date.parse('2027-03-10T12:00:00Z');
  const since = (text: string, until?: string) =>
    Object.values(parsePeriod({ since: text, ...(until !== undefined && { until }) }, nowMs)).map((ms) =>
      new Date(ms).toISOString().slice(0, 16),
    );
  assert.deepEqual(since('7d'), ['2027-03-03T12:00', '2027-03-10T12:00']);
  assert.deepEqual(since('90m', '1h'), ['2027-03-10T10:30', '2027-03-10T11:00']);
  assert.deepEqual(since('2027-03-01', '2027-03-02T06:00:00+02:00'), ['2027-03-01T00:00', '2027-03-02T04:00']);
  for (const text of ['7', 'd', '-1d', '2027-3-1', 'yesterday']) assert.throws(() => since(text), /--since must be/);
  assert.throws(() => since('1h', '2h'), /is not before/);
});
