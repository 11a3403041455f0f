import assert from 'node:assert/strict';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ProxyError } from '../../../../proxy/error.ts';
import { makeTokenFiles } from '../../../../proxy/providers/azure/token-files.ts';
import { makeDirectory } from '../../../directories.ts';

/** A token as Entra makes them; only what it says of itself is read. */
const tokenUntil = (seconds: number) =>
  `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify({ exp: seconds })).toString('base64url')}.signature`;

test('a token file is read again when it changes, and never more than once in a second', async (t) => {
  const directory = await makeDirectory(t);
  const file = join(directory, 'token');
  let nowMs = 1_000_000;
  const files = makeTokenFiles(() => nowMs);
  const problem = () => {
    const read = files.read(file);
    return read instanceof ProxyError ? read.message : assert.fail(`a token: ${read}`);
  };
  assert.match(problem(), /entra\.tokenFile is .*token, and it cannot be read \(ENOENT\)/);
  // A kubelet replaces a link.
  await writeFile(join(directory, 'first'), `${tokenUntil(1_100)}\n`);
  await symlink(join(directory, 'first'), file);
  assert.match(problem(), /ENOENT/, 'not within the same second');
  nowMs += 1_000;
  assert.equal(files.read(file), tokenUntil(1_100));
  await rm(file);
  await writeFile(file, 'opaque');
  assert.equal(files.read(file), tokenUntil(1_100));
  nowMs += 1_000;
  assert.equal(files.read(file), 'opaque');
  await writeFile(file, tokenUntil(1_003));
  nowMs = 1_003_000;
  assert.match(problem(), /its token has expired/);
  await writeFile(file, 'two lines\nof a secret');
  nowMs += 1_000;
  assert.match(problem(), /it has no token/);
  assert.doesNotMatch(problem(), /secret/);
});
