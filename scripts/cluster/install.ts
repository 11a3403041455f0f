import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { substitute } from '../../operator/cluster/directory/environment.ts';
import { namespace, productImage, release, withDatabaseImage } from './product.ts';
import type { Target } from './target.ts';

/**
 * Builds the product's image and loads it into the cluster.
 *
 * @param build builds the bundle into its own folder, since another process may be building into dist/
 * @returns the image's name
 */
export async function loadProduct(target: Target, build: (directory: string) => Promise<void>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-bundle-'));
  try {
    const bundle = join(directory, 'dist');
    await build(bundle);
    const image = await productImage(bundle);
    await target.loadImage(image);
    return image.name;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Loads the database image into the test cluster; other clusters pull the usual one. @returns the chart's options for
 * it
 */
export async function loadDatabase(target: Target): Promise<readonly string[]> {
  if (!target.remove) return [];
  let name = '';
  await withDatabaseImage(async (image) => {
    name = image.name;
    await target.loadImage(image);
  });
  return ['--set', `database.bundled.image=${name},database.bundled.persistence.changeOwner=true`];
}

/** Installs or upgrades a chart, with the sandbox and its own database. */
export async function installChart(
  target: Target,
  chart: string,
  image: string,
  more: readonly string[],
): Promise<void> {
  const [repository, tag] = image.split(':');
  const values = [
    `image.repository=${repository}`,
    `image.tag=${tag}`,
    'database.bundled.enabled=true',
    'sandbox.enabled=true',
  ];
  await target.helm([
    ...['upgrade', '--install', release, chart, '--namespace', namespace, '--create-namespace'],
    ...['--set', values.join(','), ...more, '--wait', '--timeout', '180s'],
  ]);
}

/** Applies a folder of YAML, with ${NAME:-default} replaced, since kubectl does not know that syntax. */
export async function applyQuickstart(target: Target, folder: string): Promise<void> {
  for (const file of globSync('**/*.yaml', { cwd: folder }).sort()) {
    const outcome = substitute(await readFile(join(folder, file), 'utf8'), process.env);
    if ('missing' in outcome) throw new Error(`${file} needs the environment variables ${outcome.missing.join(', ')}`);
    await target.kubectl(['apply', '--namespace', 'default', '--filename', '-'], { input: outcome.text });
  }
}
