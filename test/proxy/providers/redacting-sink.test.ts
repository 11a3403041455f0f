import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSecret } from '../../../proxy/providers/redact.ts';
import { RedactingSink } from '../../../proxy/providers/redacting-sink.ts';
import { makeRecordingSink } from './recording-sink.ts';

const secret = 'sk-secret';

/** What comes, with the end last, and what is passed on. */
const table: readonly (readonly [
  name: string,
  chunks: readonly string[],
  last: string | undefined,
  told: readonly string[],
])[] = [
  ['nothing to take out', ['Hi', ' Ann\n'], undefined, ['chunk Hi', 'chunk  Ann\n', 'end']],
  ['the key in one chunk', ['key sk-secret.'], undefined, ['chunk key [redacted].', 'end']],
  ['the key in two chunks', ['key sk-', 'secret.'], undefined, ['chunk key ', 'chunk [redacted].', 'end']],
  ['a beginning that does not go on', ['key sk-'], undefined, ['chunk key ', 'end sk-']],
  ['the key in what comes with the end', ['key sk-'], 'secret', ['chunk key ', 'end [redacted]']],
  ['a beginning in what comes with the end', [], 'key sk-', ['end key sk-']],
];

for (const [name, chunks, last, told] of table) {
  test(`${name}`, () => {
    const recording = makeRecordingSink();
    const sink = new RedactingSink(makeSecret(secret), recording.sink);
    for (const chunk of chunks) sink.chunk(Buffer.from(chunk));
    sink.end(last === undefined ? undefined : Buffer.from(last));
    assert.deepEqual(recording.told, told);
  });
}
