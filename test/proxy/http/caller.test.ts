import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import type { Identified } from '../../../proxy/calls/context.ts';
import { makeStallWatch } from '../../../proxy/calls/receive/stall-watch.ts';
import { makeMetrics } from '../../../proxy/calls/settle/metrics.ts';
import { ProxyError } from '../../../proxy/error.ts';
import { openSurface } from '../../../proxy/http/open-surface.ts';
import { makeRequestRates } from '../../../proxy/http/rates/request-rates.ts';
import { makeRefusals } from '../../../proxy/http/refusals.ts';
import type { KitContext, Surface } from '../../../proxy/http/surface.ts';
import { makeInFlight } from '../../../proxy/in-flight.ts';
import { makeDatabaseClock } from '../../../proxy/quota/database-clock.ts';
import { makeQuota } from '../../../proxy/quota/quota.ts';
import { makeCallContext } from '../calls/context.ts';
import { makeCaller } from '../governance/context.ts';
import { sendAndLeave } from './leaving-client.ts';

/** What the surface does not ask for. */
const away = () => {
  throw new ProxyError('store_unavailable');
};

test('a client that leaves while it is identified leaves no memory behind', async (t) => {
  const identifying = Promise.withResolvers<void>();
  const identified = Promise.withResolvers<Identified>();
  const handled = Promise.withResolvers<void>();
  const inFlight = makeInFlight(1_000_000);
  const context: KitContext = {
    pipeline: {
      authenticate() {
        identifying.resolve();
        return identified.promise;
      },
    },
    inFlight,
    rates: makeRequestRates({ quota: makeQuota({ lease: async () => [], clock: makeDatabaseClock() }), inForce: away }),
    store: { run: away },
    stalls: makeStallWatch(30_000),
    audit: { refused: () => {} },
    metrics: makeMetrics({}),
    log: pino({ level: 'silent' }),
  };
  const surface: Surface<KitContext> = {
    name: 'sample',
    paths: ['/'],
    envelope: { name: 'Error', schema: {}, show: ({ message }) => ({ message }) },
    async register(app) {
      app.get('/', async ({ share }) => {
        share.addAnswer(1_000);
        handled.resolve();
        return {};
      });
    },
  };
  const answer = await openSurface(surface, context, makeRefusals(context));
  await sendAndLeave(t, answer, 'GET / HTTP/1.1\r\nhost: proxy\r\n\r\n', identifying.promise);
  const { caller, inForce } = makeCallContext({}, makeCaller(['member']));
  identified.resolve({ caller, inForce });
  await handled.promise;
  assert.equal(inFlight.heldBytes(), 0);
});
