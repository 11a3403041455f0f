/** The fields that checks read of the API server's objects. Fields that the API omits if empty are optional. */

export interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly managedFields?: readonly ManagedFields[];
}

/** The fields that a writer has set: of a Secret, the names of its keys without the values. */
export interface ManagedFields {
  readonly fieldsV1?: { readonly 'f:data'?: Readonly<Record<string, unknown>> };
}

/** An object of which only the metadata is read. */
export interface MetaOnly {
  readonly metadata: Meta;
}

export interface CustomResourceDefinition {
  readonly metadata: Meta;
  readonly spec: object;
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

export interface Deployment {
  readonly metadata: Meta;
  readonly spec: {
    readonly replicas?: number;
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly name: string;
          readonly image: string;
          readonly args?: readonly string[];
        }[];
        readonly volumes?: readonly { readonly name: string; readonly secret?: { readonly secretName?: string } }[];
      };
    };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly availableReplicas?: number;
    readonly updatedReplicas?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
  };
}

export interface Lease {
  readonly metadata: Meta;
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly renewTime?: string;
  };
}

export interface EndpointSlice {
  readonly metadata: Meta;
  readonly endpoints?: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
  }[];
}

export interface WebhookConfiguration {
  readonly metadata: Meta;
  readonly webhooks?: readonly Webhook[];
}

export interface PolicyBinding {
  readonly metadata: Meta;
  readonly spec: { readonly policyName: string; readonly validationActions?: readonly string[] };
}

export interface Webhook {
  readonly name: string;
  readonly failurePolicy?: string;
  readonly clientConfig: {
    readonly service?: { readonly namespace: string; readonly name: string; readonly path?: string };
    /** Base64 of PEM. */
    readonly caBundle?: string;
  };
}

export interface ApiSecret {
  readonly metadata: Meta;
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}
