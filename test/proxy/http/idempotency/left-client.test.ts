import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { before, describe, it, type TestContext } from 'node:test';
import { Client } from 'pg';
import { pino } from 'pino';
import type { Surface } from '../../../../proxy/http/surface.ts';
import { startProxy } from '../../../../proxy/server.ts';
import type { SurfaceContext } from '../../../../proxy/surfaces/context.ts';
import { surfaceTable } from '../../../../proxy/surfaces/table.ts';
import { makeDirectory } from '../../../directories.ts';
import { atEnd, suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { until } from '../../../until.ts';

let runs = 0;
let begun = Promise.withResolvers<void>();
let answer = Promise.withResolvers<object | Readable>();

/** Answers when the test says so. */
const slow: Surface<SurfaceContext> = {
  name: 'slow',
  paths: ['/api/v2/slow'],
  envelope: { name: 'SlowError', schema: { type: 'object' }, show: ({ code }) => ({ code }) },
  answersOnce: true,
  async register(app) {
    app.post('/api/v2/slow', async () => {
      runs += 1;
      begun.resolve();
      return answer.promise;
    });
  },
};

describe('a POST with an Idempotency-Key whose client leaves', () => {
  const scope = suiteScope();
  let stack: Stack;
  let owner: Client;
  let port: number;
  before(async () => {
    stack = await startStack(scope);
    const proxy = await startProxy({
      credentialsDirectory: stack.credentialsDirectory,
      dataDirectory: await makeDirectory(scope),
      ...{ host: '127.0.0.1', port: 0, metricsHost: '127.0.0.1', metricsPort: 0 },
      upstreamUrl: stack.upstreamUrl,
      log: pino({ level: 'silent' }),
      surfaces: [...surfaceTable, slow],
    });
    atEnd(scope, proxy.stop);
    port = proxy.port;
    owner = new Client({ connectionString: stack.database.url });
    await owner.connect();
    atEnd(scope, () => owner.end());
  });

  const post = (key: string, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${port}/api/v2/slow`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'ada', 'idempotency-key': key },
      body: '{}',
      ...(signal && { signal }),
    });
  /** Begins a request, and leaves while it runs. */
  const postAndLeave = async (key: string) => {
    runs = 0;
    begun = Promise.withResolvers();
    answer = Promise.withResolvers();
    const leaving = new AbortController();
    const left = assert.rejects(post(key, leaving.signal));
    await begun.promise;
    leaving.abort();
    await left;
  };
  const replayed = async (key: string) => {
    const again = await post(key);
    return again.headers.get('idempotency-replayed') === 'true' && again.text();
  };
  const code = async (key: string) => ((await (await post(key)).json()) as { code?: string }).code;
  /** As if the proxy had been silent for a minute. @returns whether the key is held again */
  const isHeldAgain = async (t: TestContext) => {
    await owner.query(`update chaperone.idempotent_answers set held_until = now() - interval '1 second'`);
    t.mock.timers.tick(20_000);
    await until(async () => {
      const { rowCount } = await owner.query(
        'select from chaperone.idempotent_answers where status is null and held_until > now()',
      );
      return rowCount === 1;
    }, 'the key to be held');
  };

  it('holds its key until it ends, and gives its answer to the one that comes again', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await postAndLeave('long');
    await isHeldAgain(t);
    assert.equal(await code('long'), 'idempotency_in_progress');
    answer.resolve({ done: 1 });
    assert.equal(await until(() => replayed('long'), 'the answer'), '{"done":1}');
    assert.equal(runs, 1);
  });

  it('holds its key until its stream ends', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    await postAndLeave('stream');
    const stream = new Readable({ read() {} });
    answer.resolve(stream);
    stream.push('one ');
    await isHeldAgain(t);
    assert.equal(await code('stream'), 'idempotency_in_progress');
    stream.push('two');
    stream.push(null);
    assert.equal(await until(() => replayed('stream'), 'the answer'), 'one two');
    assert.equal(runs, 1);
  });

  it('gives its key back where its stream breaks off', async () => {
    await postAndLeave('broken');
    const stream = new Readable({ read() {} });
    answer.resolve(stream);
    stream.push('one ');
    stream.destroy(new Error('broken'));
    const next = { done: 2 };
    answer = Promise.withResolvers();
    answer.resolve(next);
    assert.deepEqual(
      await until(async () => {
        const again = await post('broken');
        return again.status === 200 && (await again.json());
      }, 'the key to be free'),
      next,
    );
    assert.equal(runs, 2);
  });
});
