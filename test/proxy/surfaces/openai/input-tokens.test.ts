import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { makeMetrics } from '../../../../proxy/calls/settle/metrics.ts';
import { openSurface } from '../../../../proxy/http/open-surface.ts';
import { makeRefusals } from '../../../../proxy/http/refusals.ts';
import { makeInFlight } from '../../../../proxy/in-flight.ts';
import type { OpenAiContext } from '../../../../proxy/surfaces/openai/context.ts';
import { openAi } from '../../../../proxy/surfaces/openai/index.ts';
import { makeCallContext } from '../../calls/context.ts';
import { makeCaller } from '../../governance/context.ts';
import { sendAndLeave } from '../../http/leaving-client.ts';
import { makeKey } from '../../snapshot.ts';

test('a client that leaves during the checks of a token count keeps no place of a limit', async (t) => {
  const { caller, inForce } = makeCallContext({}, makeCaller(['member']));
  const permitting = Promise.withResolvers<void>();
  const permitted = Promise.withResolvers<object>();
  const asked = Promise.withResolvers<void>();
  let releases = 0;
  const log = pino({ level: 'silent' });
  const metrics = makeMetrics({});
  const context = {
    pipeline: {
      authenticate: () => ({ caller, inForce }),
      permit() {
        permitting.resolve();
        return permitted.promise;
      },
      reserve: () => ({
        release() {
          releases += 1;
        },
      }),
    },
    inForce: () => inForce,
    exchange: () => asked.resolve(),
    inFlight: makeInFlight(1_000_000),
    stalls: { watch: () => ({ touch() {}, end() {} }) },
    metrics,
    log,
  } as unknown as OpenAiContext;
  const answer = await openSurface(openAi, context, makeRefusals({ audit: { refused: () => {} }, metrics, log }));
  await sendAndLeave(
    t,
    answer,
    'POST /v1/responses/input_tokens HTTP/1.1\r\nhost: proxy\r\ncontent-length: 2\r\n\r\n{}',
    permitting.promise,
  );
  permitted.resolve({
    context: { caller, inForce },
    source: { model: 'gpt-4o', body: {} },
    first: { key: makeKey('k'), body: '{}' },
  });
  await asked.promise;
  assert.equal(releases, 1);
});
