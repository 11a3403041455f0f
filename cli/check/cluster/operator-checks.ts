import { type CheckGroup, failed, makeCheckFactory, ok, unknown, warning } from '../check.ts';
import type { ClusterFacts } from './facts.ts';
import type { Deployment } from './objects.ts';

const check = makeCheckFactory<ClusterFacts>();

export const operatorChecks: CheckGroup<ClusterFacts> = {
  name: 'chaperone-operator',
  checks: [
    check({
      id: 'operator-available',
      description: 'the operator is available',
      from: ['deployments', 'namespace'],
      decide: ({ deployments, namespace }) => {
        const [deployment, another] = deployments;
        if (another) {
          return failed(`Namespace "${namespace}" has several operators, but only one can lead.`, {
            items: deployments.map(({ metadata }) => `Deployment ${metadata.name}`),
            hint: 'List the releases, and uninstall all but one: helm list --all-namespaces',
          });
        }
        if (!deployment) {
          return failed(`There is no operator in namespace "${namespace}".`, {
            hint: 'Install the chart, or name its namespace with --namespace.',
          });
        }
        const { available, wanted, isRolledOut } = countReplicas(deployment);
        const hint = `Look at: kubectl -n ${namespace} describe pods -l app.kubernetes.io/component=operator; kubectl -n ${namespace} logs deployment/${deployment.metadata.name}`;
        if (wanted === 0)
          return failed('The operator is scaled to 0.', {
            hint: `kubectl -n ${namespace} scale deployment/${deployment.metadata.name} --replicas=2`,
          });
        if (available === 0) return failed(`None of ${wanted} replicas is available.`, { hint });
        const stuck = deployment.status?.conditions?.find(
          ({ type, status }) => type === 'Progressing' && status === 'False',
        );
        if (stuck) return failed(`A roll-out is stuck: ${stuck.message ?? 'Kubernetes gave up'}`, { hint });
        if (available < wanted) return warning(`Only ${available} of ${wanted} replicas are available.`, { hint });
        if (!isRolledOut) return warning('A roll-out is under way.', { hint });
        return ok(`${available} of ${wanted} replicas`);
      },
    }),
    check({
      id: 'operator-version',
      description: "the operator is of this program's version",
      from: ['deployments', 'ownVersion'],
      decide: ({ deployments, ownVersion }) => {
        if (deployments.length === 0) return unknown('there is no operator');
        const versions = deployments.map(versionOf);
        const hasTag = deployments.every((deployment) => tagOf(deployment) !== undefined);
        if (versions.every((version) => version === ownVersion)) {
          // Without a version in the image's tag, only the chart's label shows one.
          return ok(hasTag ? versions.join(', ') : `${versions.join(', ')} by the chart; the image has no version tag`);
        }
        return warning(`The operator is ${versions.join(', ')}; this program is ${ownVersion}.`, {
          hint: "Upgrade the chart, or check with the operator's version: the checks of one version may not fit another.",
        });
      },
    }),
    check({
      id: 'operator-leader',
      description: 'one operator leads',
      from: ['lease', 'server', 'namespace'],
      decide: ({ lease, server: { nowMs }, namespace }) => {
        const { holderIdentity = '', renewTime, leaseDurationSeconds = 15 } = lease?.spec ?? {};
        const hint = `Without a leader, nothing is reconciled. Look at: kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`;
        if (holderIdentity === '') return failed('No operator holds the Lease.', { hint });
        const ageS = renewTime === undefined ? Infinity : (nowMs - Date.parse(renewTime)) / 1_000;
        if (ageS <= leaseDurationSeconds) return ok(holderIdentity);
        return failed(`${holderIdentity} holds the Lease, but last renewed it at ${renewTime}.`, { hint });
      },
    }),
  ],
};

function countReplicas({ metadata, spec, status }: Deployment) {
  const wanted = spec.replicas ?? 1;
  const isSeen = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return {
    wanted,
    available: status?.availableReplicas ?? 0,
    isRolledOut: isSeen && (status?.updatedReplicas ?? 0) >= wanted,
  };
}

/** The version in the image's tag, else the one in the chart's label. */
export function versionOf(deployment: Deployment): string {
  return tagOf(deployment) ?? deployment.metadata.labels?.['app.kubernetes.io/version'] ?? 'of an unknown version';
}

function tagOf({ spec }: Deployment): string | undefined {
  const image = spec.template.spec.containers.find(({ name }) => name === 'operator')?.image ?? '';
  return /:v?(?<version>\d+\.\d+\.\d+[^:/@]*)$/.exec(image)?.groups?.version;
}
