import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { issueAuthority, issueServing, type KeyPair } from '../../operator/certificates/issue.ts';
import { openTls } from '../../proxy/tls.ts';
import { makeDirectory } from '../directories.ts';
import { type Scope, suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const issue = (authority: KeyPair) =>
  issueServing(authority, ['gateway.test'], { lifetimeMs: 3_600_000, nowMs: Date.now() });

async function mount(scope: Scope, { certificate, privateKey }: KeyPair): Promise<string> {
  const directory = await makeDirectory(scope);
  await replace(directory, { certificate, privateKey });
  return directory;
}

async function replace(directory: string, { certificate, privateKey }: KeyPair): Promise<void> {
  await writeFile(join(directory, 'tls.key'), privateKey);
  await writeFile(join(directory, 'tls.crt'), certificate);
}

suite('a proxy with a certificate', () => {
  const scope = suiteScope();
  let authority: KeyPair;
  let directory: string;
  let stack: Stack;
  before(async () => {
    authority = await issueAuthority({ lifetimeMs: 3_600_000, nowMs: Date.now() });
    directory = await mount(scope, await issue(authority));
    stack = await startStack(scope, { proxyArguments: ['--tls', directory] });
  });

  /** Makes a call by HTTPS on a connection of its own. @returns the status and the serial number of the certificate */
  const call = () =>
    new Promise<{ status: number | undefined; serial: string | undefined; body: string }>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${stack.token}`,
        'content-type': 'application/json',
        'x-user-id': 'u1',
      };
      const { port } = new URL(stack.baseUrl);
      const options = { method: 'POST', path: '/v1/chat/completions', headers, agent: false as const };
      const sent = request({
        ...options,
        host: '127.0.0.1',
        port,
        ca: authority.certificate,
        servername: 'gateway.test',
      });
      sent.on('error', reject).on('response', (answer) => {
        const socket = answer.socket;
        const serial = socket instanceof TLSSocket ? socket.getPeerCertificate().serialNumber : undefined;
        let body = '';
        answer.setEncoding('utf8').on('data', (text) => {
          body += text;
        });
        answer.on('end', () => resolve({ status: answer.statusCode, serial, body }));
      });
      sent.end(JSON.stringify({ model: 'gpt-5', messages: [{ role: 'user', content: 'hello' }] }));
    });

  test('serves calls by HTTPS, and none without TLS', async () => {
    const { status, body } = await call();
    assert.equal(status, 200, body);
    const plain = await fetch(`http://127.0.0.1:${new URL(stack.baseUrl).port}/v1/models`).catch(() => 'refused');
    assert.equal(plain, 'refused');
  });

  test('shows a renewed certificate without a restart, and keeps the last good one', async () => {
    const { serial } = await call();
    await writeFile(join(directory, 'tls.crt'), 'no certificate');
    const renewed = await issue(authority);
    assert.equal((await call()).serial, serial);
    await replace(directory, renewed);
    await until(async () => (await call()).serial !== serial, 'the renewed certificate to be shown');
  });
});

suite('a certificate that cannot be used', () => {
  const scope = suiteScope();

  test('ends the start with what is missing, and shows no content', async () => {
    const directory = await makeDirectory(scope);
    await assert.rejects(openTls(directory), /has no readable file "tls\.crt"/);
    const authority = await issueAuthority({ lifetimeMs: 3_600_000, nowMs: Date.now() });
    const [one, other] = [await issue(authority), await issue(authority)];
    await replace(directory, { certificate: one.certificate, privateKey: other.privateKey });
    await assert.rejects(openTls(directory), (error: Error) => {
      assert.match(error.message, /has no certificate with its key in "tls\.crt" and "tls\.key"/);
      assert.doesNotMatch(JSON.stringify([error.message, error.cause]), /PRIVATE KEY/);
      return true;
    });
  });
});
