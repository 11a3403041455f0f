/** "true" asks for injection, on a pod or on a namespace for all its pods. "false" on a pod opts it out. */
export const injectLabel = 'chaperone.dev/inject';

/** Set to "true" on every pod that was given a sidecar, so that policies and monitors can select such pods. */
export const injectedLabel = 'chaperone.dev/injected';

/** The hash of the injected sidecar. A pod whose hash differs from that of new pods is outdated. */
export const hashAnnotation = 'chaperone.dev/injected-hash';

/**
 * Proves to another operator, which would inject a different sidecar, that an operator injected this one: see
 * `proof.ts`.
 */
export const proofAnnotation = 'chaperone.dev/injected-proof';

/** On the template of a workload that the operator rolled: the hash that its pods should get. */
export const rolledToAnnotation = 'chaperone.dev/rolled-to';

/** Names of volumes, separated by commas, that do not stop the cluster autoscaler from removing the pod's node. */
export const evictableVolumesAnnotation = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';

/** Settings on a pod, or on a namespace for all its pods. Those of the pod take precedence. */
export const settingAnnotations = {
  /** Which organization the pod belongs to, where its namespace belongs to several. */
  organization: 'chaperone.dev/organization',
  /** The ApiKeyBinding whose synthetic key the application gets. */
  binding: 'chaperone.dev/binding',
  /** "false": no container's environment is touched. */
  setEnvironment: 'chaperone.dev/set-env',
  /** Containers whose environment is not touched, separated by commas. */
  skipContainers: 'chaperone.dev/skip-containers',
  /** The sidecar's forward proxy to providers, or "none". */
  egressProxy: 'chaperone.dev/egress-proxy',
  /** Hosts that the sidecar reaches directly. */
  noProxy: 'chaperone.dev/no-proxy',
  /** How the sidecar sends requests to providers. */
  httpClient: 'chaperone.dev/http-client',
  /** A volume of the pod that the sidecar mounts, for the token files of providers. */
  tokenVolume: 'chaperone.dev/token-volume',
  logLevel: 'chaperone.dev/log-level',
  port: 'chaperone.dev/port',
  metricsPort: 'chaperone.dev/metrics-port',
  cpuRequest: 'chaperone.dev/cpu-request',
  cpuLimit: 'chaperone.dev/cpu-limit',
  memoryRequest: 'chaperone.dev/memory-request',
  memoryLimit: 'chaperone.dev/memory-limit',
} as const;

/** The sidecar's name among the pod's init containers. */
export const sidecarName = 'chaperone-proxy';
export const credentialsVolume = 'chaperone-credentials';
export const dataVolume = 'chaperone-data';
