// npm run cluster:up: the product, with the sandbox and the quickstart, in a cluster to try it in.
import { globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { substitute } from '../operator/cluster/directory/environment.ts';
import { build } from './build.ts';
import {
  chart,
  databaseUser,
  exampleImage,
  namespace,
  productImage,
  quickstart,
  release,
  withDatabaseImage,
} from './cluster/product.ts';
import { openTarget, type Target } from './cluster/target.ts';

async function clusterUp(): Promise<void> {
  say('Bringing the cluster up ...');
  const target = await openTarget(process.env);
  say('Building images ...');
  const image = await loadProduct(target);
  await target.loadImage(exampleImage);
  const databaseValues = await loadDatabase(target);
  say('Installing the chart ...');
  await install(target, image, databaseValues);
  say('Applying the quickstart ...');
  await applyQuickstart(target);
  const kinds = 'organizations,personas,apikeybindings,analysisconfigs';
  await target.kubectl(['wait', '--for=condition=Ready', kinds, '--all', '--timeout=60s']);
  say(`\n${await target.kubectl(['get', kinds])}\n\n${nextCommands(target)}`);
}

/** From a folder of its own, as others may be building into dist/. @returns the image's name */
async function loadProduct(target: Target): Promise<string> {
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

/** Other clusters pull the usual image. */
async function loadDatabase(target: Target): Promise<readonly string[]> {
  if (!target.remove) return [];
  let name = '';
  await withDatabaseImage(async (image) => {
    name = image.name;
    await target.loadImage(image);
  });
  return [
    '--set',
    `database.bundled.image=${name},database.bundled.user=${databaseUser},database.bundled.persistence.changeOwner=true`,
  ];
}

async function install(target: Target, image: string, more: readonly string[]): Promise<void> {
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

/** kubectl does not know what the quickstart's ${NAME:-default} means. */
async function applyQuickstart(target: Target): Promise<void> {
  for (const file of globSync('*.yaml', { cwd: quickstart }).sort()) {
    const outcome = substitute(await readFile(join(quickstart, file), 'utf8'), process.env);
    if ('missing' in outcome) throw new Error(`${file} needs the environment variables ${outcome.missing.join(', ')}`);
    await target.kubectl(['apply', '--namespace', 'default', '--filename', '-'], { input: outcome.text });
  }
}

function nextCommands({ shellLines }: Target): string {
  return [
    'Next:',
    ...shellLines,
    'kubectl apply -f examples/kubernetes/deployment.yaml && kubectl rollout status deployment/assistant',
    'kubectl exec deploy/assistant -c assistant -- node /app/ask.mjs "Where is my parcel?"',
    'kubectl get organizations,personas,apikeybindings',
    'npm run cluster:down',
  ].join('\n  ');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await clusterUp();
