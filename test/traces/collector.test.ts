import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { makeExporter } from '../../traces/exporter.ts';
import { Trace } from '../../traces/trace.ts';
import { freePort } from '../free-port.ts';
import { until } from '../until.ts';
import { findCollector } from './collector.ts';
import { readSpans } from './receiver.ts';

test('a collector of OpenTelemetry takes our spans as they are', async (t) => {
  const found = await findCollector();
  if (typeof found === 'string') return t.skip(found);
  const port = await freePort();
  const collector = spawn(found.file, [`127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(collector, 'exit');
  t.after(async () => {
    collector.kill();
    await ended;
  });
  const line = once(createInterface({ input: collector.stdout }), 'line');
  await until(() => answers(port), 'the collector to listen');

  const results: string[] = [];
  const exporter = makeExporter({
    settings: { url: `http://127.0.0.1:${port}/v1/traces`, headers: {}, timeoutMs: 10_000 },
    resource: { 'service.name': 'chaperone' },
    version: '1',
    onResult: (result) => results.push(result),
    onFailure: (reason) => results.push(reason),
  });
  const parent = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
  const trace = new Trace({ parent }, 1_800_000_000_000, performance.now(), 'vendor=1');
  trace
    .begin('POST /chat/completions', 'client', { 'server.port': 443 })
    .end({ 'error.type': 'unreachable' }, 'unreachable');
  const attributes = {
    text: 'é☃',
    cost: { double: 0.5 },
    count: 12_345_678_901,
    is: true,
    list: ['a'],
    none: undefined,
  };
  exporter.add(trace.end('chat gpt-4o', 'server', attributes, undefined));
  await exporter.close();
  assert.deepEqual(results, ['exported']);

  const spans = readSpans(String((await line)[0]));
  const root = spans.find(({ kind }) => kind === 2);
  const child = spans.find(({ kind }) => kind === 3);
  assert.deepEqual(
    { ...root, startNano: undefined, endNano: undefined, spanId: undefined },
    {
      ...{ traceId: parent.traceId, parentSpanId: parent.spanId, traceState: 'vendor=1', name: 'chat gpt-4o', kind: 2 },
      attributes: { text: 'é☃', cost: 0.5, count: 12_345_678_901, is: true, list: ['a'] },
      ...{ status: {}, resource: { 'service.name': 'chaperone' } },
      ...{ startNano: undefined, endNano: undefined, spanId: undefined },
    },
  );
  assert.equal(root?.startNano, 1_800_000_000_000_000_000n);
  assert.equal(child?.parentSpanId, root?.spanId);
  assert.deepEqual(child?.status, { code: 2, message: 'unreachable' });
});

async function answers(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}`).then(
    () => true,
    () => false,
  );
}
