/** The fields of a pod that injection reads. All other fields stay as they are. */
export interface Pod {
  readonly metadata: PodMeta;
  readonly spec: PodSpec;
}

export interface PodMeta {
  readonly name?: string;
  /** Set where the API server still has to generate the name. */
  readonly generateName?: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
  readonly imagePullSecrets?: readonly LocalReference[];
  /** Added to a running pod, for example by `kubectl debug`. */
  readonly ephemeralContainers?: readonly Container[];
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly shareProcessNamespace?: boolean;
  readonly securityContext?: { readonly runAsUser?: number };
  readonly os?: { readonly name: string };
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly terminationGracePeriodSeconds?: number;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly env?: readonly EnvironmentVariable[];
  readonly envFrom?: readonly { readonly secretRef?: LocalReference }[];
  readonly ports?: readonly ContainerPort[];
  readonly resources?: { readonly limits?: Readonly<Record<string, unknown>> };
  readonly securityContext?: { readonly runAsUser?: number };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath?: string }[];
}

export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: LocalReference & { readonly key?: string } };
}

export interface ContainerPort {
  readonly containerPort: number;
  readonly protocol?: string;
}

/** A reference to an object of the pod's namespace. */
export interface LocalReference {
  readonly name?: string;
}

export interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName?: string };
  readonly emptyDir?: { readonly sizeLimit?: string };
  readonly projected?: { readonly sources?: readonly { readonly secret?: LocalReference }[] };
  readonly csi?: { readonly nodePublishSecretRef?: LocalReference };
  readonly flexVolume?: { readonly secretRef?: LocalReference };
}

/** The fields of a namespace that injection reads. */
export interface PodNamespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Every container that shares the pod's network with the sidecar, in the order of their start. */
export function containersOf({ spec }: Pod): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}
