import { sidecarName } from './marks.ts';
import type { Container, EnvironmentVariable } from './pod.ts';
import type { PodSettings } from './settings.ts';

/** The Secret with the synthetic key of an application. */
export interface SyntheticKey {
  readonly secretName: string;
}

const baseUrlName = 'OPENAI_BASE_URL';
const keyName = 'OPENAI_API_KEY';

/** The base URL of the proxy for applications. */
export function proxyBaseUrl({ port }: PodSettings): string {
  return `http://127.0.0.1:${port}/v1`;
}

/**
 * The variables that direct a container's OpenAI client to the proxy, without those that the container sets itself.
 *
 * A container whose calls go elsewhere gets no key, since it would send the key there.
 */
export function missingEnvironment(
  container: Container,
  settings: PodSettings,
  key: SyntheticKey | undefined,
): readonly EnvironmentVariable[] {
  if (!isOffered(container, settings)) return [];
  const stated = container.env ?? [];
  const baseUrl = findBaseUrl(stated);
  const missing: EnvironmentVariable[] = [];
  if (!baseUrl) missing.push({ name: baseUrlName, value: proxyBaseUrl(settings) });
  if (key && leadsToProxy(baseUrl, settings) && !stated.some(({ name }) => name === keyName)) {
    missing.push({ name: keyName, valueFrom: { secretKeyRef: { name: key.secretName, key: 'api-key' } } });
  }
  return missing;
}

/** Whether a container's client calls the proxy without a key. */
export function lacksKey(container: Container, settings: PodSettings): boolean {
  // The contents of `envFrom` are not known here.
  if ((container.envFrom ?? []).length > 0) return false;
  const offered = missingEnvironment(container, settings, { secretName: '' });
  return offered.some(({ name }) => name === keyName);
}

/** A container's variable that needs another value. */
export interface ChangedVariable {
  /** Its index in the container's list. */
  readonly index: number;
  readonly value: string;
}

/** The variables that name forward proxies. Programs read them in lower case, too. */
const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];
const noProxyNames = ['NO_PROXY', 'no_proxy'];
/** The sidecar's hosts. */
const ownHosts = ['127.0.0.1', 'localhost'];

/**
 * Finds the NO_PROXY entries that a container with a forward proxy lacks. Without them, its calls to the sidecar would
 * go to the forward proxy.
 *
 * @returns variables to change, and variables to add where there is none to change
 */
export function directEnvironment(
  container: Container,
  settings: PodSettings,
): { readonly changed: readonly ChangedVariable[]; readonly added: readonly EnvironmentVariable[] } {
  const stated = container.env ?? [];
  const isAsked = isOffered(container, settings) && leadsToProxy(findBaseUrl(stated), settings);
  const usesProxy = stated.some(({ name }) => proxyNames.includes(name.toUpperCase()));
  if (!isAsked || !usesProxy) return { changed: [], added: [] };
  const lists = stated.flatMap((variable, index) =>
    noProxyNames.includes(variable.name) ? [{ variable, index }] : [],
  );
  if (lists.length === 0) {
    return { changed: [], added: noProxyNames.map((name) => ({ name, value: ownHosts.join(',') })) };
  }
  const changed = lists.flatMap(({ variable: { value = '', valueFrom }, index }) => {
    const entries = value.split(/[\s,]+/);
    const missing = entries.includes('*') ? [] : ownHosts.filter((host) => !entries.includes(host));
    // A value from elsewhere is not known here; `environmentWarnings` mentions it.
    if (valueFrom || missing.length === 0) return [];
    return [{ index, value: [...(value.trim() === '' ? [] : [value]), ...missing].join(',') }];
  });
  return { changed, added: [] };
}

function findBaseUrl(stated: readonly EnvironmentVariable[]): EnvironmentVariable | undefined {
  return stated.find(({ name }) => name === baseUrlName);
}

/** Warnings for the client that creates the pod, about variables that keep calls from the proxy. */
export function environmentWarnings(container: Container, settings: PodSettings): readonly string[] {
  if (!isOffered(container, settings)) return [];
  const stated = container.env ?? [];
  if (leadsToProxy(findBaseUrl(stated), settings)) {
    const unknown = stated.find(({ name, valueFrom }) => noProxyNames.includes(name) && valueFrom);
    if (!unknown || !stated.some(({ name }) => proxyNames.includes(name.toUpperCase()))) return [];
    return [
      `container "${container.name}" takes ${unknown.name} from elsewhere; make sure that it names ${ownHosts.join(' and ')}, or the application's calls do not reach the sidecar`,
    ];
  }
  const message = `container "${container.name}" sets ${baseUrlName} itself, so its calls do not go through Chaperone; remove it, or set it to ${proxyBaseUrl(settings)}`;
  return [message];
}

function isOffered({ name }: Container, { setsEnvironment, skipContainers }: PodSettings): boolean {
  return setsEnvironment && name !== sidecarName && !skipContainers.includes(name);
}

function leadsToProxy(baseUrl: EnvironmentVariable | undefined, settings: PodSettings): boolean {
  return baseUrl === undefined || baseUrl.value?.replace(/\/$/, '') === proxyBaseUrl(settings);
}
