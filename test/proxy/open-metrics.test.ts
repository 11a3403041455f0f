import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Counter, Gauge, Registry } from 'prom-client';
import { AccumulatedHistogram } from '../../proxy/calls/settle/accumulators.ts';
import { asksForOpenMetrics, renderOpenMetrics } from '../../proxy/open-metrics.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';

function makeRegistry() {
  const registry = new Registry();
  registry.setDefaultLabels({ pod: 'one' });
  const registers = [registry];
  const calls = new Counter({ name: 'calls_total', help: 'Calls "made".', labelNames: ['model'], registers });
  const odd = new Counter({ name: 'odd', help: 'Odd.', registers });
  const gauge = new Gauge({ name: 'level', help: 'Level.\nOf water.', registers });
  const seconds = new AccumulatedHistogram({
    ...{ name: 'seconds', help: 'How long.', labelNames: ['model'], buckets: [0.1, 1], registers },
  });
  return { registry, calls, odd, gauge, seconds };
}

describe('OpenMetrics', () => {
  test('has families without the suffix of counters, exemplars, and an end', async () => {
    const { registry, calls, odd, gauge, seconds } = makeRegistry();
    calls.inc({ model: 'a"b\\c\nd' }, 2);
    odd.inc();
    gauge.set(Number.POSITIVE_INFINITY);
    const ofModel = seconds.of({ model: 'gpt' });
    ofModel.observe(0.05);
    ofModel.observe(0.5, traceId);
    ofModel.observe(7, traceId);
    const text = (await renderOpenMetrics(registry)).replaceAll(/ \d{10}\.\d+$/gm, ' TIME');
    assert.deepEqual(text.split('\n'), [
      '# HELP calls Calls \\"made\\".',
      '# TYPE calls counter',
      'calls_total{model="a\\"b\\\\c\\nd",pod="one"} 2',
      '# HELP odd Odd.',
      '# TYPE odd unknown',
      'odd{pod="one"} 1',
      '# HELP level Level.\\nOf water.',
      '# TYPE level gauge',
      'level{pod="one"} +Inf',
      '# HELP seconds How long.',
      '# TYPE seconds histogram',
      'seconds_bucket{le="0.1",model="gpt",pod="one"} 1',
      `seconds_bucket{le="1",model="gpt",pod="one"} 2 # {trace_id="${traceId}"} 0.5 TIME`,
      `seconds_bucket{le="+Inf",model="gpt",pod="one"} 3 # {trace_id="${traceId}"} 7 TIME`,
      'seconds_sum{model="gpt",pod="one"} 7.55',
      'seconds_count{model="gpt",pod="one"} 3',
      '# EOF',
      '',
    ]);
  });

  test('leaves the other form as it is, before and after', async () => {
    const { registry, calls, seconds } = makeRegistry();
    calls.inc({ model: 'a' });
    seconds.of({ model: 'a' }).observe(0.5, traceId);
    const before = await registry.metrics();
    await renderOpenMetrics(registry);
    assert.equal(await registry.metrics(), before);
    assert.match(before, /^calls_total\{/m);
    assert.doesNotMatch(before, /trace_id/);
  });

  test('is for scrapers that ask for it', () => {
    const prometheus = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1';
    assert.ok(asksForOpenMetrics(prometheus));
    for (const accept of [undefined, '*/*', 'text/plain']) assert.ok(!asksForOpenMetrics(accept), String(accept));
  });
});
