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
          return failed(`There are several operators in namespace "${namespace}": one of them waits for ever.`, {
            items: deployments.map(({ metadata }) => `Deployment ${metadata.name}`),
            hint: 'Uninstall the releases that are not wanted: helm list --all-namespaces',
          });
        }
        if (!deployment) {
          return failed(`There is no operator in namespace "${namespace}".`, {
            hint: 'Install the chart, or name the namespace that it is in with --namespace.',
          });
        }
        const { available, wanted, isRolledOut } = countReplicas(deployment);
        const hint = `Look at: kubectl -n ${namespace} describe pods -l app.kubernetes.io/component=operator; kubectl -n ${namespace} logs deployment/${deployment.metadata.name}`;
        if (wanted === 0)
          return failed('It is scaled to 0.', {
            hint: `kubectl -n ${namespace} scale deployment/${deployment.metadata.name} --replicas=2`,
          });
        if (available === 0) return failed(`None of ${wanted} replicas is available.`, { hint });
        const stuck = deployment.status?.conditions?.find(
          ({ type, status }) => type === 'Progressing' && status === 'False',
        );
        if (stuck)
          return failed(`A roll-out does not come to its end: ${stuck.message ?? 'Kubernetes gave up'}`, { hint });
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
        const isTold = deployments.every((deployment) => tagOf(deployment) !== undefined);
        if (versions.every((version) => version === ownVersion)) {
          // Whatever is behind another tag, or a digest, is not known.
          return ok(isTold ? versions.join(', ') : `${versions.join(', ')}, as the chart says; the image tells none`);
        }
        return warning(`The operator is ${versions.join(', ')}; this program is ${ownVersion}.`, {
          hint: "Upgrade the chart, or check with the operator's version: checks know the version that they are of.",
        });
      },
    }),
    check({
      id: 'operator-leader',
      description: 'one operator leads',
      from: ['lease', 'server', 'namespace'],
      decide: ({ lease, server: { nowMs }, namespace }) => {
        const { holderIdentity = '', renewTime, leaseDurationSeconds = 15 } = lease?.spec ?? {};
        const hint = `Nothing is reconciled without a leader. Look at: kubectl -n ${namespace} logs -l app.kubernetes.io/component=operator`;
        if (holderIdentity === '') return failed('No operator holds the Lease.', { hint });
        const ageS = renewTime === undefined ? Infinity : (nowMs - Date.parse(renewTime)) / 1_000;
        if (ageS <= leaseDurationSeconds) return ok(holderIdentity);
        return failed(`${holderIdentity} held the Lease, but renewed it last at ${renewTime}.`, { hint });
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

/** The image's tag where it is a version; where it is something else, or a digest, what the chart says of itself. */
export function versionOf(deployment: Deployment): string {
  return tagOf(deployment) ?? deployment.metadata.labels?.['app.kubernetes.io/version'] ?? 'of an unknown version';
}

function tagOf({ spec }: Deployment): string | undefined {
  const image = spec.template.spec.containers.find(({ name }) => name === 'operator')?.image ?? '';
  return /:v?(?<version>\d+\.\d+\.\d+[^:/@]*)$/.exec(image)?.groups?.version;
}
