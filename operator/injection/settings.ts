import { credentialsVolume, dataVolume, settingAnnotations } from './marks.ts';
import { parseQuantity } from './quantity.ts';

/** The defaults of every sidecar. Annotations override them. */
export interface InjectionSettings {
  /** The operator's namespace: its pods get no sidecar, and no other pod may mount its Secrets. */
  readonly operatorNamespace: string;
  readonly image: string;
  /** Absent: Kubernetes' default, which is `Always` for the tag `latest` and `IfNotPresent` for others. */
  readonly imagePullPolicy?: ImagePullPolicy;
  /** Names of Secrets for pulling the image. Each pod's namespace must have them. */
  readonly imagePullSecrets?: readonly string[];
  readonly resources: ResourceRequirements;
  /** The base URL of `openai` providers that state none. Absent: OpenAI's own. */
  readonly upstreamUrl?: string;
  /** URL of the sidecars' forward proxy to providers and issuers. */
  readonly egressProxy?: string;
  /** Hosts that sidecars reach directly, as in the variable NO_PROXY. */
  readonly noProxy?: string;
  /** How sidecars send requests to providers. Absent: by the proxy's own client. */
  readonly httpClient?: HttpClient;
  /** Where sidecars send traces, unless their Organization says otherwise. Absent: nowhere. */
  readonly traces?: TracesSettings;
  readonly logLevel: LogLevel;
  readonly port: number;
  readonly metricsPort: number;
  /** Size limit of the sidecar's volume, as a quantity. The kubelet evicts a pod that exceeds it. */
  readonly dataSizeLimit: string;
}

export const imagePullPolicies = ['Always', 'IfNotPresent', 'Never'] as const;
export type ImagePullPolicy = (typeof imagePullPolicies)[number];

export interface ResourceRequirements {
  /** Kubernetes quantities by resource: `{ cpu: '100m', memory: '64Mi' }`. */
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
}

export interface TracesSettings {
  /** The collector's base URL for OTLP over HTTP. */
  readonly endpoint: string;
  /** The share of the traces that begin here and are recorded: 0 to 1. */
  readonly ratio: number;
}

export const httpClients = ['own', 'undici'] as const;
export type HttpClient = (typeof httpClients)[number];

const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export const defaultSidecar = {
  resources: { requests: { cpu: '10m', memory: '96Mi' }, limits: { memory: '256Mi' } },
  logLevel: 'info',
  port: 8000,
  metricsPort: 8001,
  dataSizeLimit: '5Gi',
} as const satisfies Partial<InjectionSettings>;

/** The settings of one pod. */
export interface PodSettings extends Omit<InjectionSettings, 'egressProxy' | 'noProxy' | 'httpClient'> {
  readonly egressProxy: string | undefined;
  readonly noProxy: string | undefined;
  readonly httpClient: HttpClient | undefined;
  /** A volume of the pod with the token files of providers. */
  readonly tokenVolume: string | undefined;
  /** Undefined: the namespace's membership decides. */
  readonly organization: string | undefined;
  /** Undefined: any organization-wide binding of the namespace will do. */
  readonly binding: string | undefined;
  readonly setsEnvironment: boolean;
  readonly skipContainers: readonly string[];
}

type Annotations = Readonly<Record<string, string>>;

/**
 * Reads the settings of a pod from its annotations and its namespace's.
 *
 * @returns an error message where an annotation is invalid
 */
export function readPodSettings(
  settings: InjectionSettings,
  pod: Annotations = {},
  namespace: Annotations = {},
): PodSettings | string {
  const read = (name: keyof typeof settingAnnotations): string | undefined => {
    const annotation = settingAnnotations[name];
    return (pod[annotation] ?? namespace[annotation])?.trim();
  };
  const problems: string[] = [];
  const readPart = <T>(
    name: keyof typeof settingAnnotations,
    otherwise: T,
    parse: (text: string) => T | undefined,
    must: string,
  ): T => {
    const text = read(name);
    if (text === undefined) return otherwise;
    const value = parse(text);
    if (value === undefined) problems.push(`Annotation ${settingAnnotations[name]} is "${text}"; it must be ${must}.`);
    return value ?? otherwise;
  };
  const readQuantity = (name: keyof typeof settingAnnotations, otherwise: string | undefined) =>
    readPart<string | undefined>(name, otherwise, parseQuantity, 'a quantity such as 250m or 128Mi');

  const egressProxy = readPart<string | undefined>(
    'egressProxy',
    settings.egressProxy,
    (text) => (text === 'none' ? text : parseProxy(text)),
    'a URL such as http://proxy.example.com:3128, or "none"',
  );
  const { requests, limits } = settings.resources;
  const podSettings: PodSettings = {
    ...settings,
    organization: read('organization'),
    binding: read('binding'),
    setsEnvironment: readPart('setEnvironment', true, parseBoolean, '"true" or "false"'),
    skipContainers: (read('skipContainers') ?? '').split(',').map((name) => name.trim()),
    egressProxy: egressProxy === 'none' ? undefined : egressProxy,
    noProxy: readPart<string | undefined>(
      'noProxy',
      settings.noProxy,
      parseNoProxy,
      'names and networks, separated by commas',
    ),
    httpClient: readPart<HttpClient | undefined>(
      'httpClient',
      settings.httpClient,
      parseHttpClient,
      `one of ${httpClients.join(', ')}`,
    ),
    tokenVolume: readPart<string | undefined>(
      'tokenVolume',
      undefined,
      parseVolume,
      "the name of one of the pod's own volumes",
    ),
    logLevel: readPart('logLevel', settings.logLevel, parseLogLevel, `one of ${logLevels.join(', ')}`),
    port: readPart('port', settings.port, parsePort, 'a port: 1024 to 65535'),
    metricsPort: readPart('metricsPort', settings.metricsPort, parsePort, 'a port: 1024 to 65535'),
    resources: {
      requests: withQuantities(requests, {
        cpu: readQuantity('cpuRequest', requests?.cpu),
        memory: readQuantity('memoryRequest', requests?.memory),
      }),
      limits: withQuantities(limits, {
        cpu: readQuantity('cpuLimit', limits?.cpu),
        memory: readQuantity('memoryLimit', limits?.memory),
      }),
    },
  };
  if (podSettings.port === podSettings.metricsPort)
    problems.push(`The proxy's two ports are both ${podSettings.port}.`);
  return problems.length > 0 ? problems.join(' ') : podSettings;
}

function withQuantities(
  base: Readonly<Record<string, string>> = {},
  quantities: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const stated = Object.entries(quantities).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return { ...base, ...Object.fromEntries(stated) };
}

/** @returns undefined where the text is not a URL of a forward proxy that sidecars can use */
export function parseProxy(text: string): string | undefined {
  const url = URL.parse(text);
  return url && /^https?:$/.test(url.protocol) && url.hostname !== '' && !/\s/.test(text) ? text : undefined;
}

export function parseNoProxy(text: string): string | undefined {
  return /^[\w.:*/,[\] -]{0,2000}$/.test(text) ? text : undefined;
}

/** The name of a volume, and none of those that only the sidecar has. */
function parseVolume(text: string): string | undefined {
  const isOwn = text === credentialsVolume || text === dataVolume;
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text) && !isOwn ? text : undefined;
}

function parseBoolean(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

function parseHttpClient(text: string): HttpClient | undefined {
  return httpClients.find((client) => client === text);
}

function parseLogLevel(text: string): LogLevel | undefined {
  return logLevels.find((level) => level === text);
}

/** The sidecar's user may not listen on ports below 1024. */
function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1024 && port <= 65_535 ? port : undefined;
}
