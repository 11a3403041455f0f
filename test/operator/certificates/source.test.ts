import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { issueAuthority, issueServing, type KeyPair } from '../../../operator/certificates/issue.ts';
import { certificateFromDirectory } from '../../../operator/certificates/source.ts';
import { atEnd } from '../../scope.ts';
import { until } from '../../until.ts';

test('a mounted certificate is followed as the kubelet swaps it', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-certificate-'));
  atEnd(t, () => rm(directory, { recursive: true, force: true }));
  const [first, second] = [await issue(), await issue()];
  await mount(directory, 'one', first);
  for (const file of ['tls.crt', 'tls.key']) await symlink(join('..data', file), join(directory, file));

  const seen: string[] = [];
  const log = pino({ level: 'silent' });
  const stop = certificateFromDirectory(directory, log, 5)(({ certificate }) => seen.push(certificate));
  atEnd(t, stop);
  await until(() => seen.length === 1);
  // What does not belong together is passed over, as in the midst of writing two files.
  await mount(directory, 'torn', { certificate: second.certificate, privateKey: first.privateKey });
  await mount(directory, 'two', second);
  await until(() => seen.length === 2);
  assert.deepEqual(seen, [first.certificate, second.certificate]);
});

async function issue(): Promise<KeyPair> {
  const validity = { lifetimeMs: 3_600_000, nowMs: Date.now() };
  return issueServing(await issueAuthority(validity), ['localhost'], validity);
}

async function mount(directory: string, version: string, { certificate, privateKey }: KeyPair): Promise<void> {
  await mkdir(join(directory, version));
  await writeFile(join(directory, version, 'tls.crt'), certificate);
  await writeFile(join(directory, version, 'tls.key'), privateKey);
  await symlink(version, join(directory, '..next'));
  await rename(join(directory, '..next'), join(directory, '..data'));
}
