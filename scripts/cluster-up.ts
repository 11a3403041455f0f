// npm run cluster:up: installs the product in a cluster, with the sandbox and the quickstart, to try it.
import { build } from './build.ts';
import { applyQuickstart, installChart, loadDatabase, loadProduct } from './cluster/install.ts';
import { chart, exampleImage, quickstart } from './cluster/product.ts';
import { openTarget, type Target } from './cluster/target.ts';

async function clusterUp(): Promise<void> {
  say('Starting the cluster ...');
  const target = await openTarget(process.env);
  say('Building images ...');
  const image = await loadProduct(target, build);
  await target.loadImage(exampleImage);
  const databaseValues = await loadDatabase(target);
  say('Installing the chart ...');
  await installChart(target, chart, image, databaseValues);
  say('Applying the quickstart ...');
  await applyQuickstart(target, quickstart);
  const kinds = 'organizations,personas,apikeybindings,analysisconfigs';
  await target.kubectl(['wait', '--for=condition=Ready', kinds, '--all', '--timeout=180s']);
  say(`\n${await target.kubectl(['get', kinds])}\n\n${nextCommands(target)}`);
}

function nextCommands({ shellLines, remove }: Target): string {
  return [
    'Next:',
    ...shellLines,
    'kubectl apply -f examples/kubernetes/deployment.yaml && kubectl rollout status deployment/assistant',
    'kubectl exec deploy/assistant -c assistant -- node /app/ask.mjs "Where is my parcel?"',
    'kubectl get organizations,personas,apikeybindings',
    'npm run cluster:down',
    ...(remove ? ['npm run cluster:down -- --cluster'] : []),
  ].join('\n  ');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

await clusterUp();
