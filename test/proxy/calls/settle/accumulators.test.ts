import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Counter, Histogram, Registry } from 'prom-client';
import { AccumulatedCounter, AccumulatedHistogram } from '../../../../proxy/calls/settle/accumulators.ts';

const labelNames = ['model', 'status'] as const;
const labels = fc.record({
  model: fc.constantFrom('', 'gpt-4o', 'a"b\\c\nd'),
  status: fc.constantFrom('ok', 'failed'),
});
const observations = fc.array(fc.tuple(labels, fc.double({ min: 0, max: 5, noNaN: true })));
const buckets = [0.1, 1, 2.5];

const makeRegistry = () => {
  const registry = new Registry();
  registry.setDefaultLabels({ pod: 'one' });
  return registry;
};

test('a histogram is rendered as prom-client renders its own', () =>
  fc.assert(
    fc.asyncProperty(observations, async (all) => {
      const [own, theirs] = [makeRegistry(), makeRegistry()];
      const options = { name: 'seconds', help: 'How "long".', labelNames, buckets };
      const accumulated = new AccumulatedHistogram({ ...options, registers: [own] });
      const reference = new Histogram({ ...options, registers: [theirs] });
      for (const [where, value] of all) {
        accumulated.of(where).observe(value);
        reference.observe(where, value);
      }
      assert.equal(await own.metrics(), await theirs.metrics());
    }),
  ));

test('a counter is rendered as prom-client renders its own, at every scrape', () =>
  fc.assert(
    fc.asyncProperty(observations, observations, async (...scrapes) => {
      const [own, theirs] = [makeRegistry(), makeRegistry()];
      const options = { name: 'calls_total', help: 'Calls.', labelNames };
      const accumulated = new AccumulatedCounter({ ...options, registers: [own] });
      const reference = new Counter({ ...options, registers: [theirs] });
      for (const all of scrapes) {
        for (const [where, value] of all) {
          accumulated.of(where).add(value);
          reference.inc(where, value);
        }
        assert.equal(await own.metrics(), await theirs.metrics());
      }
    }),
  ));

test('a histogram without labels is rendered before its first value', async () => {
  const registry = makeRegistry();
  new AccumulatedHistogram({ name: 'seconds', help: 'How long.', buckets, registers: [registry] }).of({});
  assert.match(await registry.metrics(), /^seconds_count\{pod="one"\} 0$/m);
});
