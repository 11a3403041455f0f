import type { Logger } from 'pino';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import type { ApiObject } from '../cluster/kubernetes/api-object.ts';
import { makeMirror } from '../cluster/kubernetes/mirror.ts';
import {
  defaultTimings,
  type Reflector,
  type ReflectorTimings,
  startReflector,
} from '../cluster/kubernetes/reflector.ts';
import type { ReflectionObserver } from '../runtime/reflection.ts';
import { gatewayLabel } from './names.ts';
import { deploymentsPath } from './objects.ts';

export interface GatewayWatchContext {
  readonly client: ApiClient;
  /** The operator's namespace. */
  readonly namespace: string;
  readonly observer: ReflectionObserver;
  readonly log: Logger;
  readonly timings?: ReflectorTimings;
}

/** Watches the Deployments of gateways. */
export interface GatewayWatch {
  readonly reflector: Reflector;
  /** Whether the organization has a Deployment. */
  has(organization: string): boolean;
  /** Calls the listener with the name of each organization whose Deployment has changed. */
  subscribe(listener: (organization: string) => void): () => void;
  stop(): Promise<void>;
}

export function watchGateways({ client, namespace, ...context }: GatewayWatchContext): GatewayWatch {
  const listeners = new Set<(organization: string) => void>();
  const tell = (_: string, { metadata }: ApiObject) => {
    const organization = metadata.labels?.[gatewayLabel];
    for (const listener of listeners) if (organization !== undefined) listener(organization);
  };
  const mirror = makeMirror<ApiObject>(({ metadata }) => metadata.name, { put: tell, remove: tell });
  const reflector = startReflector<ApiObject, ApiObject>({
    ...{ timings: defaultTimings, ...context },
    client,
    name: 'Deployment.gateways',
    path: deploymentsPath(namespace),
    labelSelector: gatewayLabel,
    // The status is read when the gateway is reconciled.
    metadataOnly: true,
    decode: ({ metadata: { managedFields: _, ...metadata } }) => ({ metadata }),
    sink: mirror,
  });
  return {
    reflector,
    has: (organization) => mirror.all().some(({ object }) => object.metadata.labels?.[gatewayLabel] === organization),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => reflector.stop(),
  };
}
