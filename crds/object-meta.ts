/** The metadata of an object as far as something here reads or writes it. */
export interface ObjectMeta {
  name: string;
  /** Absent for kinds of cluster scope. */
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: readonly string[];
  /** Assigned at creation; another object of the same name has another. */
  uid: string;
  /** Grows with each change of the spec. */
  generation: number;
  /** RFC 3339. */
  creationTimestamp: string;
  /** RFC 3339; set once deletion is wanted, while finalizers keep the object. */
  deletionTimestamp?: string;
  /** Who states the fields of a custom resource. Absent where the cluster does not know. */
  managers?: readonly FieldManager[];
}

/** An entry of `metadata.managedFields`. */
export interface FieldManager {
  readonly manager: string;
  /** `Apply` or `Update`. */
  readonly operation: string;
  /** RFC 3339: when it last changed any of its fields. */
  readonly time: string;
  /** `fieldsV1`, as JSON: the paths of its fields. As text it takes a third of the memory, and it is seldom read. */
  readonly fields: string;
}

/** `metav1.Condition` of Kubernetes. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  observedGeneration?: number;
  /** RFC 3339: when `status` last changed. */
  lastTransitionTime: string;
  /** One word for programs, CamelCase. */
  reason: string;
  message: string;
}
