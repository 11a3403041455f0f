import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { generateDataKeys, makeEnvelope } from '../../../database/envelope.ts';
import { nothingReserved } from '../../../proxy/calls/reserve/reserve.ts';
import type { Account } from '../../../proxy/calls/settle/account.ts';
import { countCalls } from '../../../proxy/calls/settle/count.ts';
import { makeMetrics } from '../../../proxy/calls/settle/metrics.ts';
import { makeSettlement } from '../../../proxy/calls/settle/settlement.ts';
import { simpleResponses } from '../../../proxy/operations/simple-responses.ts';
import { makePrice } from '../../../proxy/prices/price.ts';
import { chat } from '../../../proxy/providers/openai/chat.ts';
import { responses } from '../../../proxy/providers/openai/responses.ts';
import { speech } from '../../../proxy/providers/openai/speech.ts';
import { transcriptions } from '../../../proxy/providers/openai/transcriptions.ts';
import { unknownUsage } from '../../../proxy/providers/usage.ts';
import { openSpool } from '../../../proxy/spool/spool.ts';
import { atEnd } from '../../scope.ts';
import { organizationId } from '../snapshot.ts';
import { makeCall } from './call.ts';

setFlagsFromString('--expose-gc');
const collect: (options: { type: 'minor' | 'major' }) => void = runInNewContext('gc');

/** Another string each time. */
const textBytes = 10 * 1024;
const makeText = () => Buffer.alloc(textBytes, 'x').toString();

/** What a call leaves behind on purpose is less: by which ids it is found again. */
const maxBytes = textBytes / 2;

/** By how many bytes the old generation grows with each time that `work` is done. */
async function promotedBytes(work: () => void): Promise<number> {
  const repeat = async (times: number) => {
    for (let time = 1; time <= times; time += 1) {
      work();
      // What is left to the end of the turn.
      await Promise.resolve();
      if (time % 50 === 0) for (const _ of [1, 2, 3]) collect({ type: 'minor' });
    }
  };
  const old = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size;
  await repeat(500);
  collect({ type: 'major' });
  const before = old() ?? assert.fail();
  await repeat(500);
  return ((old() ?? assert.fail()) - before) / 500;
}

test('a settled call leaves nothing in memory', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'chaperone-short-lived-'));
  const spool = openSpool({ directory });
  atEnd(t, () => {
    spool.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const settlement = makeSettlement({
    organizationId,
    origin: undefined,
    spool,
    subscribers: [countCalls(makeMetrics(), 'acme', () => 'other')],
  });
  const reservation = nothingReserved;
  const terms = {
    price: makePrice(undefined, new Map([['openai', 'openai']])),
    envelope: makeEnvelope(generateDataKeys()),
  };
  const promoted = await promotedBytes(() => {
    const text = makeText();
    const call = makeCall({ input: () => text, body: { input: text } });
    const settle = (account: Account) =>
      account.settle(
        {
          status: 'completed',
          httpStatus: 200,
          errorCode: null,
          responseId: null,
          model: 'gpt-4o-mini',
          serviceTier: null,
          usage: unknownUsage,
          timeToFirstTokenMs: null,
          upstreamMs: 1,
          output: 'Hello',
        },
        () => {},
      );
    settlement.open(call, terms, reservation, settle, assert.fail);
    spool.writeNow();
    spool.writeNow();
    spool.remove('calls', spool.take('calls', 1));
  });
  assert.ok(promoted < maxBytes, `${promoted} bytes a call`);
});

describe('a stream that was read leaves nothing in memory', () => {
  const readers = { chat, responses, simpleResponses: responses, transcriptions };
  for (const [name, format] of Object.entries(readers)) {
    test(name, async () => {
      const promoted = await promotedBytes(() => {
        const read = format.readStream({ hideUsage: false, keepOutput: true, body: {} });
        const reader = name === 'simpleResponses' ? (simpleResponses.presentStream?.(read) ?? read) : read;
        reader.read(Buffer.from(`data: ${JSON.stringify({ type: 'error', error: { code: makeText() } })}\n\n`));
        assert.equal(reader.reading()?.errorCode?.length, textBytes);
      });
      assert.ok(promoted < maxBytes, `${promoted} bytes a stream`);
    });
  }
  test('speech', async () => {
    const promoted = await promotedBytes(() => {
      const reader = speech.readBytes?.({ input: makeText() }) ?? assert.fail();
      reader.read(Buffer.from('audio'));
    });
    assert.ok(promoted < maxBytes, `${promoted} bytes a stream`);
  });
});
