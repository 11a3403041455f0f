import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { issueAuthority, issueServing } from '../../../operator/certificates/issue.ts';
import { startSandbox } from '../../../sandbox/server.ts';
import { makeDirectory } from '../../directories.ts';
import { type Scope, suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { until } from '../../until.ts';

import { allowEveryModel } from '../allow-every-model.ts';
import { makeSigner, startIdentityProvider } from '../calls/identify/tokens/identity-provider.ts';
import { type ForwardProxy, startForwardProxy } from './forward-proxy.ts';

/** Hosts that exist for the forward proxy alone: what does not go through it goes nowhere. */
const provider = 'provider.test';
const issuer = 'issuer.test';

const clientOf = ({ baseUrl, token }: Stack, apiKey = token) =>
  new OpenAI({ baseURL: baseUrl, apiKey, defaultHeaders: { 'X-User-ID': 'bob' }, maxRetries: 0 });
const portOf = (url: string) => Number(new URL(url).port);

/** One of everything that a proxy sends out. */
async function askForEverything(stack: Stack): Promise<void> {
  await allowEveryModel(stack);
  const client = clientOf(stack);
  const model = 'gpt-4o-mini';
  const response = await client.responses.create({ model, input: 'Hi' });
  const chunks = await client.chat.completions.create({
    model,
    messages: [{ role: 'user', content: 'Hi' }],
    stream: true,
  });
  for await (const _ of chunks);
  await client.embeddings.create({ model: 'text-embedding-3-small', input: 'Hi' });
  assert.ok((await client.models.list()).data.length > 0);
  const audio = await toFile(Buffer.alloc(2_000), 'hello.wav');
  await client.audio.transcriptions.create({ model: 'whisper-1', file: audio });
  const line = { custom_id: '1', method: 'POST', url: '/v1/responses', body: { model, input: 'Hi' } };
  const lines = await client.files.create({
    file: await toFile(Buffer.from(`${JSON.stringify(line)}\n`), 'lines.jsonl'),
    purpose: 'batch',
  });
  const batch = await client.batches.create({
    input_file_id: lines.id,
    endpoint: '/v1/responses',
    completion_window: '24h',
  });
  const late = await client.responses.create({
    model,
    input: 'Hi',
    background: true,
    metadata: { sandbox: 'work=100' },
  });
  const analysis = await fetch(`${stack.baseUrl}/analysis`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', 'content-type': 'application/json' },
    body: JSON.stringify({
      id: response.id,
      config: { analysis_type: 'intent', categories: [{ name: 'greeting', description: 'Somebody says hello' }] },
    }),
  });
  assert.ok([200, 502].includes(analysis.status), await analysis.text());
  // Nobody asks for them: the proxy looks by itself.
  await until(async () => {
    const [spent, done] = [await client.responses.retrieve(late.id), await client.batches.retrieve(batch.id)];
    return spent.status === 'completed' && done.status === 'completed';
  }, 'what works on after its answer');
}

describe('with HTTP_PROXY in its environment a proxy', () => {
  const scope = suiteScope();
  let forward: ForwardProxy;
  let stack: Stack;
  let key: Awaited<ReturnType<typeof makeSigner>>;

  before(async () => {
    key = await makeSigner('one');
    const sandbox = await startSandbox();
    scope.after(sandbox.close);
    const identity = await startIdentityProvider(scope, [key.jwk]);
    forward = await startForwardProxy(scope, { [provider]: portOf(sandbox.url), [issuer]: portOf(identity.url) });
    const url = `http://${issuer}`;
    stack = await startStack(scope, {
      authentication: { issuers: [{ issuer: url, audiences: ['us'], jwksUri: `${url}/keys` }] },
      upstreamUrl: `http://${provider}/v1`,
      environment: { HTTP_PROXY: `127.0.0.1:${forward.port}` },
    });
  });

  it('sends by it whatever goes to providers', async () => {
    await askForEverything(stack);
    const paths = new Set(
      forward.passages.map(({ method, target }) => `${method} ${new URL(target).pathname.split('/')[2]}`),
    );
    for (const path of [
      ...['POST responses', 'POST chat', 'POST embeddings', 'GET models', 'POST audio', 'POST files', 'POST batches'],
      ...['GET files', 'GET batches', 'GET responses'],
    ]) {
      assert.ok(paths.has(path), `${path} did not come by: ${[...paths].join(', ')}`);
    }
    assert.ok(forward.passages.every(({ target }) => new URL(target).hostname === provider));
    // The first is that of a call, the second that of the analysis.
    assert.ok(forward.passages.filter(({ target }) => target.endsWith('/chat/completions')).length >= 2);
  });

  it("asks by it for an issuer's keys", async () => {
    const claims = { iss: `http://${issuer}`, aud: 'us', sub: 'bob', exp: Math.floor(Date.now() / 1_000) + 600 };
    await clientOf(stack, await key.sign(claims)).responses.create({ model: 'gpt-4o-mini', input: 'Hi' });
    assert.ok(forward.passages.some(({ target }) => target === `http://${issuer}/keys`));
  });
});

describe('with HTTPS_PROXY in its environment a proxy', () => {
  const scope = suiteScope();
  let forward: ForwardProxy;
  let stack: Stack;

  before(async () => {
    const tls = await startTlsSandbox(scope);
    forward = await startForwardProxy(scope, { [provider]: tls.port });
    stack = await startStack(scope, {
      upstreamUrl: `https://${provider}/v1`,
      environment: {
        https_proxy: `http://bob:s3cret@127.0.0.1:${forward.port}`,
        NO_PROXY: 'other.test',
        NODE_EXTRA_CA_CERTS: tls.authorityFile,
      },
    });
  });

  it('reaches providers through tunnels, as whom it was told', async () => {
    await askForEverything(stack);
    assert.ok(forward.passages.length > 0);
    const authorization = `Basic ${Buffer.from('bob:s3cret').toString('base64')}`;
    for (const passage of forward.passages) {
      assert.deepEqual(passage, { method: 'CONNECT', target: `${provider}:443`, authorization });
    }
  });

  it('opens no tunnel for each call', () => {
    assert.ok(forward.passages.length < 10, `${forward.passages.length} tunnels`);
  });

  it('says that a proxy which refuses cannot be passed, and tells nobody its password', async () => {
    forward.refuses = true;
    // Connections that stand go on, so it takes many calls at once to need another.
    const client = clientOf(stack);
    const calls = Array.from({ length: 40 }, () =>
      client.responses.create({ model: 'gpt-4o-mini', input: 'Hi', metadata: { sandbox: 'latency=200' } }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    const errors = (await Promise.all(calls)).filter((error) => error !== undefined);
    assert.ok(errors.length > 0);
    for (const error of errors) {
      assert.ok(error instanceof OpenAI.APIError);
      assert.deepEqual([error.status, error.code], [502, 'upstream_unreachable']);
      assert.doesNotMatch(error.message, /s3cret|bob/);
    }
    assert.doesNotMatch(stack.log(), /s3cret|Ym9iOnMzY3JldA/);
  });
});

describe('with NO_PROXY in its environment a proxy', () => {
  const scope = suiteScope();

  it('reaches what that names directly', async () => {
    const forward = await startForwardProxy(scope, {});
    const stack = await startStack(scope, {
      upstreamUrl: `http://${provider}/v1`,
      environment: { HTTP_PROXY: `http://127.0.0.1:${forward.port}`, NO_PROXY: '.test' },
    });
    // There is no such host but for the forward proxy, which is not asked.
    await assert.rejects(clientOf(stack).responses.create({ model: 'gpt-4o-mini', input: 'Hi' }), { status: 502 });
    assert.deepEqual(forward.passages, []);
  });
});

/** The sandbox behind TLS, as a provider is. */
async function startTlsSandbox(scope: Scope): Promise<{ port: number; authorityFile: string }> {
  const sandbox = await startSandbox();
  scope.after(sandbox.close);
  const validity = { lifetimeMs: 3_600_000, nowMs: Date.now() };
  const authority = await issueAuthority(validity);
  const { certificate, privateKey } = await issueServing(authority, [provider], validity);
  const server = createServer({ cert: certificate, key: privateKey }, (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port: portOf(sandbox.url), method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(async () => {
    server.closeAllConnections();
    server.close();
  });
  const authorityFile = join(await makeDirectory(scope), 'authority.pem');
  await writeFile(authorityFile, authority.certificate);
  return { port: (server.address() as AddressInfo).port, authorityFile };
}
