import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { ProviderPause } from '../../../../database/provider-pauses.ts';
import { sharePauses } from '../../../../proxy/calls/route/share-pauses.ts';
import { until } from '../../../until.ts';

const log = pino({ level: 'silent' });
const circuit: ProviderPause = {
  ...{ id: 'openai 1', scope: 'provider', provider: 'openai', apiKeyId: null },
  ...{ reason: '503 server_error', remainingMs: 60_000 },
};

/** What is written, as the values of each statement. The first write fails. */
function makeShared() {
  const written: { readonly begun: { readonly id: string }[]; readonly over: string[] }[] = [];
  let attempts = 0;
  const shared = sharePauses({
    organizationId: 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11',
    write: async (work) => {
      attempts += 1;
      if (attempts === 1) throw new Error('The database is away');
      return work({
        async query(_: unknown, values: unknown[] = []) {
          written.push({ begun: JSON.parse(String(values[1])), over: [...(values[2] as string[])] });
          return { rows: [], rowCount: 0 };
        },
      } as never);
    },
    read: async () => assert.fail('nothing is read'),
    onPauses() {},
    log,
    gatherMs: 1,
  });
  return { shared, written, attempts: () => attempts };
}

test('many limits at once cost one statement of bounded size, and keep out no circuit', async () => {
  const { shared, written, attempts } = makeShared();
  shared.begun(circuit);
  await until(() => attempts() === 1, 'the first write, which fails');
  for (let count = 0; count < 5_000; count += 1) {
    shared.begun({ ...circuit, id: `openai 1 key gpt-${count}`, scope: 'model' });
  }
  shared.begun(circuit);
  shared.over('other 1');
  await until(() => written.length > 0, 'a write');
  assert.deepEqual([written[0]?.begun.length, written[0]?.over], [51, ['other 1']]);
  assert.ok(written[0]?.begun.some(({ id }) => id === circuit.id));
  assert.equal(attempts(), 2);
  await shared.stop();
});
