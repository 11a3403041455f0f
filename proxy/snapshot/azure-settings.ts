import type { OrganizationSpec } from '../../crds/resources.generated.ts';

type Entra = NonNullable<OrganizationSpec['providers'][number]['entra']>;

/** An application of Entra, and the token of a service account that it trusts. */
export type WorkloadIdentity = Readonly<NonNullable<Entra['workloadIdentity']>>;

/** What only providers of type `azure` have. */
export interface AzureSettings {
  readonly apiVersion: string | undefined;
  /** Whether calls have a token of Microsoft Entra ID, and no key of the resource. */
  readonly usesTokens: boolean;
  /** The file that has the token. Undefined: the token is what ApiKeyBindings name. */
  readonly tokenFile: string | undefined;
  /** The tokens come from an exchange. Undefined: they do not. */
  readonly identity: WorkloadIdentity | undefined;
  /** The deployments that `models` names. */
  readonly deployments: readonly string[];
}

export function azureSettingsOf({
  apiVersion,
  entra,
  models = [],
}: Pick<OrganizationSpec['providers'][number], 'apiVersion' | 'entra' | 'models'>): AzureSettings {
  const deployments = models.map(({ name, as = name }) => as).filter((deployment) => !deployment.includes('*'));
  const tokenFile = entra?.tokenFile;
  return {
    apiVersion,
    usesTokens: entra !== undefined,
    tokenFile,
    identity: entra?.workloadIdentity,
    deployments: [...new Set(deployments)],
  };
}

/** The path of a resource of Azure, from any of the addresses that the portal and the SDKs show. */
export function azureBasePath(pathname: string): string {
  return `${pathname.replace(/\/+$/, '').replace(/\/openai(\/v1)?$/, '')}/openai`;
}
