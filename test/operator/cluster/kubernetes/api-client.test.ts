import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { type TestContext, test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { makeApiClient } from '../../../../operator/cluster/kubernetes/api-client.ts';
import { ApiError } from '../../../../operator/cluster/kubernetes/api-error.ts';
import type { ApiObject } from '../../../../operator/cluster/kubernetes/api-object.ts';
import { defaultTimings, startReflector } from '../../../../operator/cluster/kubernetes/reflector.ts';
import { atEnd } from '../../../scope.ts';
import { until } from '../../../until.ts';

/** A client of an API server that answers as it is told to. */
async function open(t: TestContext, answer: RequestListener, prefix = '') {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert(address !== null && typeof address !== 'string');
  const kubeConfig = new KubeConfig();
  const url = `http://127.0.0.1:${address.port}${prefix}`;
  kubeConfig.loadFromClusterAndUser(
    { name: 'test', server: url, skipTLSVerify: true },
    { name: 'test', token: 'secret' },
  );
  const client = makeApiClient({ kubeConfig });
  atEnd(t, async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

test('a request is repeated where the server asks for that', async (t) => {
  const statuses = [429, 503, 200];
  const seen: (string | undefined)[] = [];
  const client = await open(t, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(statuses.shift() ?? 200, { 'retry-after': '0' }).end('{"found":true}');
  });
  assert.deepEqual(await client.send({ method: 'GET', path: '/' }), { found: true });
  assert.deepEqual(seen, ['Bearer secret', 'Bearer secret', 'Bearer secret']);
});

for (const prefix of ['', '/', '/k8s/clusters/c-1', '/k8s/clusters/c-1/']) {
  test(`a request goes below the path of a server at "${prefix}", with its query`, async (t) => {
    const seen: (string | undefined)[] = [];
    const listener: RequestListener = (request, response) => {
      seen.push(request.url);
      response.end('{}');
    };
    const client = await open(t, listener, prefix);
    await client.send({ method: 'GET', path: '/api/v1/secrets' });
    const query = { labelSelector: 'a=b,c!=d', limit: undefined, continue: '1' };
    await client.send({ method: 'GET', path: '/api/v1/secrets', query });
    const path = `${prefix.replace(/\/$/, '')}/api/v1/secrets`;
    assert.deepEqual(seen, [path, `${path}?labelSelector=a%3Db%2Cc%21%3Dd&continue=1`]);
  });
}

test('a request is not repeated where the server asks for a long pause, and the error tells the pause', async (t) => {
  let requests = 0;
  const client = await open(t, (_, response) => {
    requests += 1;
    response.writeHead(503, { 'retry-after': requests === 1 ? '120' : '86400' }).end();
  });
  const refusal = () =>
    client.send({ method: 'GET', path: '/' }).then(
      () => assert.fail('it answered'),
      (error: unknown) => error instanceof ApiError && error.retryAfterMs,
    );
  assert.equal(await refusal(), 120_000);
  assert.equal(await refusal(), 300_000, 'within bounds');
  assert.equal(requests, 2);
});

test('an error has the server’s reason', async (t) => {
  const client = await open(t, (_, response) => {
    response.writeHead(409).end('{"kind":"Status","reason":"AlreadyExists","message":"it is there"}');
  });
  await assert.rejects(
    client.send({ method: 'POST', path: '/', body: {} }),
    (error) => error instanceof ApiError && error.status === 409 && error.reason === 'AlreadyExists',
  );
});

test('a reflector lists again when an ERROR event says that its version has expired', async (t) => {
  const versions = ['5', '9'];
  let watches = 0;
  const client = await open(t, (request, response) => {
    response.writeHead(200);
    const isWatch = request.url?.includes('watch=true');
    if (!isWatch) {
      response.end(JSON.stringify({ metadata: { resourceVersion: versions.shift() }, items: [] }));
      return;
    }
    watches += 1;
    const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } };
    const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '10' } } };
    response.write(`${JSON.stringify(watches === 1 ? gone : bookmark)}\n`);
  });
  const reached: string[] = [];
  const reflector = startReflector<ApiObject, ApiObject>({
    name: 'Things',
    client,
    path: '/things',
    decode: (object) => object,
    sink: {
      replace: (_, version) => void reached.push(`listed ${version}`),
      put: () => {},
      remove: () => {},
      reached: (version) => void reached.push(version),
    },
    timings: defaultTimings,
    observer: { listed: () => {}, watched: () => {} },
    log: pino({ level: 'silent' }),
  });
  atEnd(t, () => reflector.stop());
  await until(() => reached.includes('10'));
  assert.deepEqual(reached, ['listed 5', 'listed 9', '10']);
});
