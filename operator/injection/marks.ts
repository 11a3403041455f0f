/** Asks for injection where it is "true", on a pod or for all pods of a namespace; "false" on a pod opts it out. */
export const injectLabel = 'chaperone.dev/inject';

/** Set to "true" on every pod that was given a sidecar, so that policies and monitors can select such pods. */
export const injectedLabel = 'chaperone.dev/injected';

/** What the injected sidecar is made of, as a hash: pods with another one than new pods get are outdated. */
export const hashAnnotation = 'chaperone.dev/injected-hash';

/** That an operator gave the pod its sidecar, for another operator that would give it another one: see `proof.ts`. */
export const proofAnnotation = 'chaperone.dev/injected-proof';

/** On the template of a workload that was rolled for its sidecars' sake: the hash that its pods were to get by it. */
export const rolledToAnnotation = 'chaperone.dev/rolled-to';

/** Names of volumes, separated by commas, that do not keep the cluster autoscaler from removing a pod's node. */
export const evictableVolumesAnnotation = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes';

/** What people may set, on a pod or for all pods of a namespace; the pod's own has precedence. */
export const settingAnnotations = {
  /** Which organization the pod belongs to, where its namespace belongs to several. */
  organization: 'chaperone.dev/organization',
  /** The ApiKeyBinding whose synthetic key the application gets. */
  binding: 'chaperone.dev/binding',
  /** "false": no container's environment is touched. */
  setEnvironment: 'chaperone.dev/set-env',
  /** Containers whose environment is not touched, separated by commas. */
  skipContainers: 'chaperone.dev/skip-containers',
  /** The forward proxy by which the sidecar reaches providers, or "none". */
  egressProxy: 'chaperone.dev/egress-proxy',
  /** What it reaches without one. */
  noProxy: 'chaperone.dev/no-proxy',
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
