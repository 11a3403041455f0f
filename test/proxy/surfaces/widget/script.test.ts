import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { parseDocument } from 'yaml';
import { replaceFile } from '../../../directories.ts';
import { suiteScope } from '../../../scope.ts';
import { type Stack, startStack } from '../../../stack.ts';
import { until } from '../../../until.ts';

describe('GET /widget.js', () => {
  const scope = suiteScope();
  let stack: Stack;
  before(async () => {
    stack = await startStack(scope, { ownProcess: true });
  });
  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    fetch(new URL('/widget.js', stack.baseUrl), { method, headers });

  it('is a script for pages of every origin, without a credential', async () => {
    const answer = await get({ origin: 'https://shop.example.com', 'accept-encoding': 'identity' });
    const shown = (name: string) => answer.headers.get(name);
    assert.equal(answer.status, 200);
    assert.deepEqual(
      ['content-type', 'access-control-allow-origin', 'cross-origin-resource-policy', 'x-content-type-options'].map(
        shown,
      ),
      ['text/javascript; charset=utf-8', '*', 'cross-origin', 'nosniff'],
    );
    assert.match(shown('cache-control') ?? '', /^public, max-age=\d+/);
    assert.equal(shown('x-ratelimit-limit'), null, 'caches keep it, and it is about one client');
    const script = await answer.text();
    assert.match(script, /chaperone-chat/);
    // None of what a strict Content-Security-Policy forbids.
    assert.doesNotMatch(script, /\beval\(|new Function\(|setAttribute\("style"/);
    assert.ok(!script.includes(process.cwd()), 'no path of the machine that has built it');
  });

  it('is sent compressed, once, and not again where the browser has it', async () => {
    const zipped = await get({ 'accept-encoding': 'gzip, br' });
    assert.deepEqual([zipped.headers.get('content-encoding'), zipped.headers.get('vary')], ['gzip', 'accept-encoding']);
    const size = Number(zipped.headers.get('content-length'));
    assert.ok(size > 5_000 && size < 30_000, `${size} bytes, gzipped`);
    const plain = await get({ 'accept-encoding': 'gzip;q=0' });
    assert.equal(plain.headers.get('content-encoding'), null);
    assert.equal(await plain.text(), await zipped.text());
    const etag = zipped.headers.get('etag') ?? '';
    assert.equal(plain.headers.get('etag'), etag);
    for (const [known, status] of [
      [etag, 304],
      [`"other", ${etag.replace('W/', '')}`, 304],
      ['*', 304],
      ['"other"', 200],
    ] as const) {
      const again = await get({ 'if-none-match': known });
      assert.deepEqual([again.status, (await again.text()) === ''], [status, status === 304]);
      assert.equal(again.headers.get('etag'), etag);
    }
    const head = await get({}, 'HEAD');
    assert.deepEqual([head.status, head.headers.get('etag'), await head.text()], [200, etag, '']);
  });

  it('is not there where the organization has no support desk, and says why', async () => {
    const file = join(stack.directory, 'organization.yaml');
    const document = parseDocument(await readFile(file, 'utf8'));
    document.setIn(['spec', 'surfaces'], ['responses']);
    await replaceFile(file, document.toString());
    const answer = await until(async () => {
      const given = await get();
      return given.status !== 200 && given;
    }, 'the edit to be in force');
    const { error } = (await answer.json()) as { error: { code: string; message: string; request_id: string } };
    assert.deepEqual([answer.status, error.code], [404, 'route_not_found']);
    assert.match(error.message, /no support desk: its spec\.surfaces has no chat/);
    assert.equal(error.request_id, answer.headers.get('x-request-id'));
  });
});
