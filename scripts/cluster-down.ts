// npm run cluster:down [-- --cluster]: takes away what cluster:up made; with --cluster the cluster too.
import { namespace, release } from './cluster/product.ts';
import { openTarget, type Target } from './cluster/target.ts';

const kinds = ['personas', 'apikeybindings', 'analysisconfigs', 'organizations'];

/** Why the product cannot be taken away in order. */
class OutOfOrder extends Error {}

async function takeProductAway({ kubectl, helm }: Target): Promise<void> {
  const definitions = await kubectl(['get', 'crd', '--output=name']);
  const ours = definitions.split('\n').filter((name) => name.endsWith('.chaperone.dev'));
  const served = kinds.filter((kind) => ours.some((name) => name.endsWith(`/${kind}.chaperone.dev`)));
  // First what belongs to organizations, while the operator is there to clean up after it.
  if (served.length > 0) await removeObjects(kubectl, served);
  await helm(['uninstall', release, '--namespace', namespace, '--wait', '--ignore-not-found']);
  if (ours.length > 0) await kubectl(['delete', ...ours, '--wait']);
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait']);
}

async function removeObjects(kubectl: Target['kubectl'], served: readonly string[]): Promise<void> {
  const list = () => kubectl(['get', served.join(), '--all-namespaces', '--output=name']);
  const objects = await list();
  if (objects === '') return;
  const operator = ['get', 'deployment', release, '--namespace', namespace, '--ignore-not-found'];
  const available = await kubectl([...operator, '--output=jsonpath={.status.availableReplicas}']);
  if (available === '') throw new OutOfOrder(`No operator is available to clean up after these:\n${indent(objects)}`);
  try {
    for (const kind of served) await kubectl(['delete', kind, '--all', '--all-namespaces', '--timeout=60s']);
  } catch (error) {
    const left = await list();
    if (left === '') throw error;
    throw new OutOfOrder(`The operator has not cleaned up after these within a minute:\n${indent(left)}`);
  }
}

function indent(lines: string): string {
  return lines.replace(/^/gm, '  ');
}

function advise(what: string, { remove }: Target): string {
  return [
    `cluster:down: ${what}`,
    'Each has a finalizer, which the operator takes away when it has cleaned up. You can:',
    '  npm run cluster:up                    bring the operator back, then say cluster:down again',
    `  kubectl -n ${namespace} get pods   see what keeps it or its database from working`,
    ...(remove ? ['  npm run cluster:down -- --cluster     take the whole test cluster away'] : []),
    '  docs/kubernetes.md#without-an-operator  do without it',
    '',
  ].join('\n');
}

async function clusterDown(withCluster: boolean): Promise<void> {
  const target = await openTarget(process.env);
  if (withCluster && target.remove) return target.remove();
  if (withCluster) {
    process.stderr.write(
      'cluster:up did not make this cluster, so it is not removed. Without --cluster, only the product is removed.\n',
    );
    process.exitCode = 1;
    return;
  }
  try {
    await takeProductAway(target);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(
      error instanceof OutOfOrder ? advise(error.message, target) : `cluster:down: ${error.message}\n`,
    );
    process.exitCode = 1;
    return;
  }
  const more = target.remove ? ' The test cluster still runs. To remove it: npm run cluster:down -- --cluster' : '';
  process.stdout.write(`The product is removed.${more}\n`);
}

await clusterDown(process.argv.includes('--cluster'));
