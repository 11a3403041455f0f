import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { type Exporter, type ExporterLimits, makeExporter } from '../../traces/exporter.ts';
import type { Span } from '../../traces/span.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { type SpanReceiver, startSpanReceiver } from './receiver.ts';

const span = (name: string, text = ''): Span => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: undefined,
  name,
  kind: 'server',
  startMs: 1_800_000_000_000.25,
  endMs: 1_800_000_000_001,
  attributes: { text, whole: 1, share: { double: 1 }, is: false, list: ['a', 'b'], absent: undefined, none: null },
  error: undefined,
});

describe('the exporter of spans', () => {
  const scope = suiteScope();
  let receiver: SpanReceiver;
  let results: Record<string, number>;
  let failures: string[];

  beforeEach(async () => {
    receiver = await startSpanReceiver(scope);
    results = {};
    failures = [];
  });
  const start = (limits: Partial<ExporterLimits> = {}, url = receiver.url): Exporter => {
    const [own, ownFailures] = [results, failures];
    const exporter = makeExporter({
      settings: { url: `${url}/v1/traces`, headers: { authorization: 'Bearer k' }, timeoutMs: 60_000 },
      resource: { 'service.name': 'test' },
      version: '1',
      onResult(result, spans) {
        own[result] = (own[result] ?? 0) + spans;
      },
      onFailure: (reason) => ownFailures.push(reason),
      limits: { gatherMs: 1, pauseMs: 1, ...limits },
    });
    scope.after(() => exporter.close());
    return exporter;
  };
  const names = () => receiver.spans.map(({ name }) => name);

  it('sends spans together, with the headers and who it is', async () => {
    const exporter = start({ gatherMs: 20 });
    exporter.add([span('a'), span('b')]);
    exporter.add([span('c')]);
    await until(() => results.exported === 3, 'the spans to arrive');
    assert.deepEqual(names(), ['a', 'b', 'c']);
    const [delivery] = receiver.deliveries;
    assert.equal(receiver.deliveries.length, 1);
    assert.equal(delivery?.path, '/v1/traces');
    assert.equal(delivery?.headers['content-type'], 'application/json');
    assert.equal(delivery?.headers.authorization, 'Bearer k');
    const [first] = receiver.spans;
    assert.deepEqual(first?.attributes, { text: '', whole: 1, share: 1, is: false, list: ['a', 'b'] });
    assert.deepEqual(first?.resource, { 'service.name': 'test' });
    assert.equal(first?.startNano, 1_800_000_000_000_250_000n);
    assert.match(delivery?.text ?? '', /"doubleValue":1\b/);
  });

  it('sends many in batches, one after another', async () => {
    const exporter = start({ batch: 10 });
    for (let number = 0; number < 35; number += 1) exporter.add([span(String(number))]);
    await until(() => results.exported === 35, 'all spans to arrive');
    assert.deepEqual(
      names(),
      Array.from({ length: 35 }, (_, number) => String(number)),
    );
    assert.ok(receiver.deliveries.every(({ spans }) => spans.length <= 10));
  });

  it('drops what is too much, and counts it', async () => {
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    receiver.answer = (response) => void held.then(() => response.end('{}'));
    const exporter = start({ waiting: 4, batch: 2 });
    exporter.add([span('0'), span('1')]);
    await until(() => receiver.deliveries.length === 1, 'the first batch');
    for (let number = 2; number < 10; number += 1) exporter.add([span(String(number))]);
    assert.equal(results.dropped, 4);
    exporter.add([span('much', 'x'.repeat(9 * 1024 * 1024))]);
    assert.equal(results.dropped, 5);
    release();
    await until(() => results.exported === 6, 'the others to arrive');
    assert.deepEqual(names(), ['0', '1', '2', '3', '4', '5']);
  });

  it('drops a trace whose texts are too large for what may wait', () => {
    const exporter = start({ waitingBytes: 10_000 });
    exporter.add([span('small', 'x'.repeat(1_000))]);
    exporter.add([span('large', 'x'.repeat(9_000))]);
    assert.deepEqual(results, { dropped: 1 });
  });

  for (const status of [429, 502, 503, 504]) {
    it(`tries again after ${status}, and reports that once`, async () => {
      let times = 0;
      receiver.answer = (response) => {
        times += 1;
        response.writeHead(times < 3 ? status : 200).end('{}');
      };
      start().add([span('a')]);
      await until(() => results.exported === 1, 'the span to arrive');
      assert.equal(times, 3);
      assert.deepEqual(failures, [`it answers ${status}`]);
    });
  }

  it('waits as long as the receiver asks for', async () => {
    const times: number[] = [];
    receiver.answer = (response) => {
      times.push(performance.now());
      if (times.length === 1) response.writeHead(503, { 'retry-after': '1' }).end();
      else response.end('{}');
    };
    start().add([span('a')]);
    await until(() => results.exported === 1, 'the span to arrive');
    const [first = 0, second = 0] = times;
    assert.ok(second - first > 950, `${second - first} ms`);
  });

  it('does not repeat what the receiver refuses', async () => {
    receiver.answer = (response) => response.writeHead(400).end('{}');
    start().add([span('a')]);
    await until(() => results.rejected === 1, 'the refusal');
    assert.equal(receiver.deliveries.length, 1);
  });

  it('counts spans that the receiver refuses among others', async () => {
    receiver.answer = (response) =>
      response.writeHead(200).end(JSON.stringify({ partialSuccess: { rejectedSpans: '1', errorMessage: 'too old' } }));
    start().add([span('a'), span('b')]);
    await until(() => results.exported === 1 && results.rejected === 1, 'both results');
    assert.deepEqual(failures, ['it refuses spans: too old']);
  });

  it('gives up after some attempts, and reports the next failure again', async () => {
    const exporter = start({ attempts: 3 }, 'http://127.0.0.1:1');
    exporter.add([span('a')]);
    await until(() => results.failed === 1, 'the first batch to fail');
    exporter.add([span('b')]);
    await until(() => results.failed === 2, 'the second batch to fail');
    assert.deepEqual(failures, ['ECONNREFUSED']);
  });

  it('gives up an answer that does not come in time', async () => {
    receiver.answer = () => {};
    const exporter = makeExporter({
      settings: { url: `${receiver.url}/v1/traces`, headers: {}, timeoutMs: 20 },
      ...{ resource: {}, version: '1' },
      onResult(result, spans) {
        results[result] = spans;
      },
      onFailure: (reason) => failures.push(reason),
      limits: { gatherMs: 1, pauseMs: 1, attempts: 2 },
    });
    scope.after(() => exporter.close());
    exporter.add([span('a')]);
    await until(() => results.failed === 1, 'it to give up');
    assert.deepEqual(failures, ['it does not answer in time']);
  });

  it('sends what waits when it closes', async () => {
    const exporter = start({ gatherMs: 60_000 });
    exporter.add([span('a')]);
    await exporter.close();
    assert.deepEqual(names(), ['a']);
    exporter.add([span('late')]);
    assert.deepEqual(results, { exported: 1, dropped: 1 });
  });

  it('closes in time though nobody answers', async () => {
    receiver.answer = () => {};
    const exporter = start({ closeMs: 50 });
    exporter.add([span('a')]);
    await until(() => receiver.deliveries.length === 1, 'the attempt');
    const startedTicks = performance.now();
    await exporter.close();
    assert.ok(performance.now() - startedTicks < 30_000);
    assert.deepEqual(results, { failed: 1 });
  });
});
