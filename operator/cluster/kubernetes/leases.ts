import type { LeaseRecord, LeaseStore, StoredLease } from '../../runtime/lease.ts';
import type { ApiClient } from './api-client.ts';
import { isNotFound } from './api-error.ts';
import { microTime } from './event-recorder.ts';

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ */
interface Lease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: LeaseSpec;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** Keeps a lease in a Lease of the API server. */
export function makeLeaseStore(client: ApiClient, namespace: string, name: string): LeaseStore {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${collection}/${name}`;
  const toStored = (lease: Lease): StoredLease => ({
    version: lease.metadata.resourceVersion,
    record: toRecord(lease.spec),
    async replace(record, signal) {
      const body = { ...lease, spec: { ...lease.spec, ...toSpec(record) } };
      return toStored(await client.send<Lease>({ method: 'PUT', path, body, signal }));
    },
  });
  return {
    async read(signal) {
      try {
        return toStored(await client.send<Lease>({ method: 'GET', path, signal }));
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async create(record, signal) {
      const type = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' };
      const body = { ...type, metadata: { name, namespace }, spec: toSpec(record) };
      return toStored(await client.send<Lease>({ method: 'POST', path: collection, body, signal }));
    },
  };
}

function toSpec({ holder, durationS, acquiredAt, renewedAt, transitions }: LeaseRecord): LeaseSpec {
  return {
    ...(holder !== undefined && { holderIdentity: holder }),
    ...(durationS !== undefined && { leaseDurationSeconds: durationS }),
    ...(acquiredAt && { acquireTime: microTime(acquiredAt) }),
    ...(renewedAt && { renewTime: microTime(renewedAt) }),
    ...(transitions !== undefined && { leaseTransitions: transitions }),
  };
}

function toRecord({
  holderIdentity,
  leaseDurationSeconds,
  acquireTime,
  renewTime,
  leaseTransitions,
}: LeaseSpec = {}): LeaseRecord {
  return {
    ...(holderIdentity !== undefined && { holder: holderIdentity }),
    ...(leaseDurationSeconds !== undefined && { durationS: leaseDurationSeconds }),
    ...(acquireTime !== undefined && { acquiredAt: new Date(acquireTime) }),
    ...(renewTime !== undefined && { renewedAt: new Date(renewTime) }),
    ...(leaseTransitions !== undefined && { transitions: leaseTransitions }),
  };
}
