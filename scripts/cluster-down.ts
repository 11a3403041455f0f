// npm run cluster:down [-- --cluster]: removes what cluster:up made; with --cluster also the cluster.
import { namespace, release } from './cluster/product.ts';
import { openTarget, type Target } from './cluster/target.ts';

async function takeProductAway({ kubectl, helm }: Target): Promise<void> {
  const definitions = await kubectl(['get', 'crd', '--output=name']);
  const ours = definitions.split('\n').filter((name) => name.endsWith('.chaperone.dev'));
  // First the organizations' objects, while the operator is still there to clean up.
  for (const kind of ['personas', 'apikeybindings', 'analysisconfigs', 'organizations']) {
    if (!ours.some((name) => name.endsWith(`/${kind}.chaperone.dev`))) continue;
    await kubectl(['delete', kind, '--all', '--all-namespaces', '--timeout=60s']);
  }
  await helm(['uninstall', release, '--namespace', namespace, '--wait', '--ignore-not-found']);
  if (ours.length > 0) await kubectl(['delete', ...ours, '--wait']);
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait']);
}

const target = await openTarget(process.env);
if (!process.argv.includes('--cluster')) {
  await takeProductAway(target);
} else if (target.remove) {
  await target.remove();
} else {
  process.stderr.write(
    'cluster:up did not make this cluster, so it is not removed. Without --cluster, only the product is removed.\n',
  );
  process.exitCode = 1;
}
