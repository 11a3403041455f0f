import { isDeepStrictEqual } from 'node:util';
import { credentialsVolume, dataVolume, sidecarName } from './marks.ts';
import type { Container, Pod, Volume } from './pod.ts';
import { bytesOf, parseQuantity } from './quantity.ts';

/**
 * A sidecar without the fields that do not change what it does. Two sidecars with equal essences run the same program,
 * with the same arguments and rights, over the same volumes. Every field that is not listed here as harmless is part of
 * the essence, including fields of later Kubernetes versions.
 */
export interface Essence {
  readonly container: Readonly<Record<string, unknown>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** Fields that the API defaults, that annotations set, or that other webhooks may set. */
const insignificant = [
  ...['resources', 'resizePolicy', 'imagePullPolicy', 'terminationMessagePath', 'terminationMessagePolicy', 'ports'],
];
const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'];

/**
 * Variables and mounts that webhooks of cloud providers and of tracing add to every container. The proxy reads none of
 * these, but for token files that an Organization names. Any other variable could change its behaviour, as NODE_OPTIONS or SSL_CERT_FILE do.
 */
const inertVariable = /^(AWS|AZURE|GOOGLE|CLOUDSDK|OTEL|DD|ELASTIC_APM)_/;
const inertMount = /^\/var\/run\/secrets\/(?!.*(^|\/)\.\.(\/|$))/;

/** The essence of a pod's sidecar. Undefined where it has none. */
export function essenceOfPod({ spec }: Pod): Essence | undefined {
  const container = spec.initContainers?.find(({ name }) => name === sidecarName);
  return container && essenceOf(container, spec.volumes ?? []);
}

export function essenceOf(container: Container, volumes: readonly Volume[]): Essence {
  const own = volumes.filter(({ name }) => name === credentialsVolume || name === dataVolume);
  return {
    container: essentials(container),
    volumes: Object.fromEntries(own.map(({ name, ...source }) => [name, withBytes(source)])),
  };
}

/** Finds the first field in which two essences differ, as a path for people. Undefined where they are equal. */
export function findDifference(expected: Essence, actual: Essence): string | undefined {
  for (const [part, prefix] of [
    ['container', `container "${sidecarName}": `],
    ['volumes', 'volume '],
  ] as const) {
    const fields = new Set([...Object.keys(expected[part]), ...Object.keys(actual[part])]);
    for (const field of fields) {
      if (!isDeepStrictEqual(expected[part][field], actual[part][field])) return `${prefix}${field}`;
    }
  }
  return undefined;
}

function essentials(container: Container): Record<string, unknown> {
  const stated: Record<string, unknown> = { ...container };
  for (const field of insignificant) delete stated[field];
  for (const probe of probes) {
    // A service mesh may redirect network probes. A probe that runs a program is significant.
    if (!runsProgram(stated[probe])) delete stated[probe];
  }
  stated.args = withoutGrace(stated.args);
  stated.env = (container.env ?? []).filter(({ name }) => !inertVariable.test(name));
  stated.volumeMounts = sortByName((container.volumeMounts ?? []).filter(isSignificant));
  stated.securityContext = withoutDefaults(stated.securityContext);
  return withoutEmpty(stated);
}

function isSignificant({ mountPath = '' }: NonNullable<Container['volumeMounts']>[number]): boolean {
  return !inertMount.test(mountPath);
}

function runsProgram(probe: unknown): boolean {
  return typeof probe === 'object' && probe !== null && Object.hasOwn(probe, 'exec');
}

/** Ignores `--grace`: other webhooks may set the pod's grace period after the sidecar was added. */
function withoutGrace(args: unknown): unknown {
  if (!Array.isArray(args)) return args;
  return args.map((arg, index) => (args[index - 1] === '--grace' && /^\d+$/.test(String(arg)) ? '*' : arg));
}

/** Ignores defaults and SELinux options, which some clusters set on every container. */
function withoutDefaults(context: unknown): unknown {
  if (typeof context !== 'object' || context === null) return context;
  const { seLinuxOptions: _, procMount, ...rest }: Record<string, unknown> = { ...context };
  return procMount === undefined || procMount === 'Default' ? rest : { ...rest, procMount };
}

/** Compares quantities in bytes, since the API server may write another unit. */
function withBytes(source: Omit<Volume, 'name'>): object {
  const { emptyDir } = source;
  if (emptyDir?.sizeLimit === undefined || parseQuantity(emptyDir.sizeLimit) === undefined) return source;
  return { ...source, emptyDir: { ...emptyDir, sizeLimit: bytesOf(emptyDir.sizeLimit) } };
}

function sortByName<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return list.toSorted((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

/** Drops empty fields, as the API server does. */
function withoutEmpty(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => {
      if (value === undefined || value === null || value === false) return false;
      return typeof value !== 'object' || Object.keys(value).length > 0;
    }),
  );
}
