// npm run docs: builds the documentation as a site into site/, and reports links that lead nowhere.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findDeadLinks } from './docs/dead-links.ts';
import { buildSite } from './docs/site.ts';

const root = dirname(import.meta.dirname);
const directory = join(root, 'site');

const begin = performance.now();
const site = await buildSite(root);
const dead = findDeadLinks(site);
if (dead.length > 0) {
  process.stderr.write(`${dead.join('\n')}\n`);
  process.exitCode = 1;
}
await rm(directory, { recursive: true, force: true });
for (const [path, content] of site) {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), content);
}
const seconds = ((performance.now() - begin) / 1000).toFixed(1);
process.stdout.write(`${site.size} files in site/, in ${seconds} s. Open site/index.html; no server is needed.\n`);
