// npm run pictures: makes the pictures of the console in docs/pictures, from its tests.
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

/** A picture of the documents, and the one that the tests keep. */
const pictures = {
  'overview.png': 'overview-light.png',
  'overview-dark.png': 'overview-dark.png',
  'request.png': 'request-light.png',
};

const kept = await mkdtemp(join(tmpdir(), 'chaperone-pictures-'));
try {
  const { status } = spawnSync(process.execPath, ['scripts/test.ts', 'test/console/console.test.ts'], {
    ...{ cwd: root, stdio: 'inherit' },
    env: { ...process.env, CHAPERONE_SCREENSHOTS: kept },
  });
  if (status !== 0) throw new Error('The tests of the console fail, so their pictures are not to be shown');
  const to = join(root, 'docs/pictures');
  await mkdir(to, { recursive: true });
  for (const [name, from] of Object.entries(pictures)) await copyFile(join(kept, from), join(to, name));
} finally {
  await rm(kept, { recursive: true, force: true });
}
