import { sidecarName } from './marks.ts';
import type { Container, EnvironmentVariable } from './pod.ts';
import type { PodSettings } from './settings.ts';

/** The Secret with the key that an application calls the proxy with. */
export interface SyntheticKey {
  readonly secretName: string;
}

const baseUrlName = 'OPENAI_BASE_URL';
const keyName = 'OPENAI_API_KEY';

/** Where applications find the proxy. */
export function proxyBaseUrl({ port }: PodSettings): string {
  return `http://127.0.0.1:${port}/v1`;
}

/**
 * The variables that lead a container's OpenAI client to the proxy, as far as the container does not set them itself.
 *
 * Where it has its calls go elsewhere, it gets no key either: that would be told to whoever is there.
 */
export function missingEnvironment(
  container: Container,
  settings: PodSettings,
  key: SyntheticKey | undefined,
): readonly EnvironmentVariable[] {
  if (!isOffered(container, settings)) return [];
  const stated = container.env ?? [];
  const baseUrl = stated.find(({ name }) => name === baseUrlName);
  const missing: EnvironmentVariable[] = [];
  if (!baseUrl) missing.push({ name: baseUrlName, value: proxyBaseUrl(settings) });
  if (key && leadsToProxy(baseUrl, settings) && !stated.some(({ name }) => name === keyName)) {
    missing.push({ name: keyName, valueFrom: { secretKeyRef: { name: key.secretName, key: 'api-key' } } });
  }
  return missing;
}

/** What whoever creates the pod should know about how its container finds the proxy; empty where all is well. */
export function environmentWarnings(container: Container, settings: PodSettings): readonly string[] {
  if (!isOffered(container, settings)) return [];
  const baseUrl = container.env?.find(({ name }) => name === baseUrlName);
  if (leadsToProxy(baseUrl, settings)) return [];
  const message = `container "${container.name}" sets ${baseUrlName} itself, so its calls do not go through Chaperone; remove it, or set it to ${proxyBaseUrl(settings)}`;
  return [message];
}

function isOffered({ name }: Container, { setsEnvironment, skipContainers }: PodSettings): boolean {
  return setsEnvironment && name !== sidecarName && !skipContainers.includes(name);
}

function leadsToProxy(baseUrl: EnvironmentVariable | undefined, settings: PodSettings): boolean {
  return baseUrl === undefined || baseUrl.value?.replace(/\/$/, '') === proxyBaseUrl(settings);
}
