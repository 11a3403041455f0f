import assert from 'node:assert/strict';
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeMissingLinks } from '../../../cli/embedded-postgres/binaries.ts';
import { makeDirectory, refusal } from './harness.ts';

describe('the binaries', () => {
  test('get the library links that an unrun postinstall script would have made', async (t) => {
    const root = await makeDirectory(t);
    await mkdir(join(root, 'native', 'lib'), { recursive: true });
    await writeFile(join(root, 'native', 'lib', 'libpq.so.5.18'), 'library');
    const links = ['libpq.so', 'libpq.so.5'].map((name) => `native/lib/${name}`);
    const list = links.map((target) => ({ source: 'native/lib/libpq.so.5.18', target }));
    await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(list));

    await makeMissingLinks(root);
    await makeMissingLinks(root);
    for (const link of links) {
      assert.ok((await lstat(join(root, link))).isSymbolicLink());
      assert.equal(await readFile(join(root, link), 'utf8'), 'library');
    }
  });

  test('name a link that cannot be made', async (t) => {
    const root = await makeDirectory(t);
    await mkdir(join(root, 'native'));
    const list = [{ source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' }];
    await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(list));
    await assert.rejects(makeMissingLinks(root), refusal('binaries-unusable', /libpq\.so\.5 is missing.*npm rebuild/));
  });
});
