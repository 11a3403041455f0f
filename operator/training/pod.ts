import { builtInModel, readStoreUri, type TrainingSpec } from '../../crds/training.ts';
import { proxySecurity } from '../injection/sidecar.ts';
import type { TrainingSettings } from './settings.ts';

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: object;
}

/** What pods read and write, as their containers see it. */
export interface MountedStores {
  /** An address as a container understands it: `pvc://` becomes a file below a mount. */
  toLocal(uri: string): string;
  readonly volumes: readonly object[];
  readonly volumeMounts: readonly object[];
}

const mountPath = '/mnt/stores';

/** Mounts the claims of these addresses. Those of `written` can be written to. */
export function mountStores(read: readonly string[], written: readonly string[]): MountedStores {
  const claims = (uris: readonly string[]) =>
    uris.map(readStoreUri).flatMap((found) => (found?.scheme === 'pvc' ? [found.place] : []));
  const writable = new Set(claims(written));
  const all = [...new Set([...claims(read), ...writable])].map((claim, place) => ({ claim, name: `store-${place}` }));
  return {
    toLocal(uri) {
      const found = readStoreUri(uri);
      return found?.scheme === 'pvc' ? `file://${mountPath}/${found.place}/${found.path}` : uri;
    },
    volumes: [
      { name: 'tmp', emptyDir: {} },
      ...all.map(({ claim, name }) => ({ name, persistentVolumeClaim: { claimName: claim } })),
    ],
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      ...all.map(({ claim, name }) => ({
        ...{ name, mountPath: `${mountPath}/${claim}` },
        ...(!writable.has(claim) && { readOnly: true }),
      })),
    ],
  };
}

/** How `s3://` is reached, by the variables that Amazon's SDKs read. */
export function s3Environment({ s3 }: TrainingSpec): readonly EnvironmentVariable[] {
  const { endpoint, region = 'us-east-1', secretName } = s3 ?? {};
  const key = (name: string) => ({ name, valueFrom: { secretKeyRef: { name: secretName, key: name } } });
  return [
    { name: 'AWS_REGION', value: region },
    ...(endpoint === undefined ? [] : [{ name: 'AWS_ENDPOINT_URL', value: endpoint }]),
    ...(secretName === undefined ? [] : [key('AWS_ACCESS_KEY_ID'), key('AWS_SECRET_ACCESS_KEY')]),
  ];
}

const defaultResources = { requests: { cpu: '250m', memory: '256Mi' }, limits: { memory: '1Gi' } };

/** What an instance type means for a pod. The first one is the default. */
export function instanceOf({ instanceTypes }: TrainingSpec, name: string | undefined) {
  const found = instanceTypes.find((type) => type.name === name) ?? (name === undefined ? instanceTypes[0] : undefined);
  return found && { nodeSelector: found.nodeSelector, resources: found.resources ?? defaultResources };
}

/** What every container has, by whose image it runs. */
export function imageOf(
  stated: { readonly image?: string | undefined; readonly command?: readonly string[] | undefined } | undefined,
  builtInArgs: readonly string[],
  { image, imagePullPolicy }: TrainingSettings,
) {
  if (stated?.image === undefined) {
    return {
      ...{ image, args: builtInArgs, securityContext: proxySecurity },
      ...(imagePullPolicy && { imagePullPolicy }),
    };
  }
  const { runAsNonRoot: _, runAsUser: __, runAsGroup: ___, readOnlyRootFilesystem: ____, ...security } = proxySecurity;
  return {
    image: stated.image,
    ...(stated.command && { command: stated.command }),
    securityContext: security,
  };
}

/** What every pod has. */
export function podDefaults({ imagePullSecrets = [] }: TrainingSettings) {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
    // Claims belong to the group of the built-in image.
    securityContext: { fsGroup: proxySecurity.runAsGroup, fsGroupChangePolicy: 'OnRootMismatch' },
  };
}

export function isBuiltIn(
  baseModel: string | null,
  stated: { readonly image?: string | undefined } | undefined,
): boolean {
  return stated?.image === undefined && (baseModel === null || baseModel === builtInModel);
}
