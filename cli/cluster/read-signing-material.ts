import type { Organization } from '../../crds/resources.generated.ts';
import { type ApiClient, makeApiClient } from '../../operator/cluster/kubernetes/api-client.ts';
import { ApiError, isNotFound } from '../../operator/cluster/kubernetes/api-error.ts';
import { signingSecretName } from '../../operator/credentials.ts';
import { loadKubeConfig } from '../check/cluster/target.ts';
import { describeError } from '../check/describe-error.ts';
import type { ClusterInstallation } from '../installation.ts';
import { parseKeys, type SigningMaterial } from '../signing-material.ts';

interface Secret {
  readonly data?: Readonly<Record<string, string>>;
}

/**
 * Reads an organization's signing keys from the operator's namespace, with the caller's own rights.
 *
 * @throws Error where the API server cannot be reached, or the caller may not read the Secret
 */
export async function readClusterMaterial(
  { namespace, ...target }: ClusterInstallation,
  organization: string,
): Promise<SigningMaterial> {
  const client = makeApiClient({ kubeConfig: loadKubeConfig(target), requestTimeoutMs: 10_000 });
  const name = encodeURIComponent(organization);
  const secretName = signingSecretName(name);
  try {
    const found = await find<Organization>(client, `/apis/chaperone.dev/v1alpha1/organizations/${name}`);
    if (!found) throw new Error(`The cluster has no Organization "${organization}"`);
    const secret = await find<Secret>(client, `/api/v1/namespaces/${namespace}/secrets/${secretName}`);
    const text = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
    const organizationId = found.status?.id;
    if (organizationId === undefined || !secret) {
      throw new Error(
        `Namespace "${namespace}" has no signing keys of Organization "${organization}". Name the operator's namespace with --namespace, and see whether the Organization is Ready`,
      );
    }
    return { organizationId, keys: parseKeys(text('keys.json')), tokenLifetime: text('token-lifetime') };
  } finally {
    await client.close();
  }
}

/** @returns undefined where there is no such object */
async function find<T>(client: ApiClient, path: string): Promise<T | undefined> {
  try {
    return await client.send<T>({ method: 'GET', path });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (error instanceof ApiError && error.status === 403) {
      throw new Error(`${error.message}; docs/kubernetes.md lists the rights under "Tokens for people"`, {
        cause: error,
      });
    }
    if (error instanceof ApiError) throw error;
    throw new Error(`The API server cannot be reached: ${describeError(error)}`, { cause: error });
  }
}
