import { Ajv, type ErrorObject } from 'ajv';
import type { PatchOperation } from './patch.ts';
import type { Pod } from './pod.ts';

/**
 * The fields of an admission request that are read here.
 *
 * @see
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response
 */
export interface AdmissionRequest {
  readonly uid: string;
  readonly operation: string;
  readonly kind: { readonly group: string; readonly kind: string };
  /** Set where the request concerns a subresource, such as a pod's binding to a node. */
  readonly subResource?: string;
  readonly namespace?: string;
  readonly dryRun?: boolean;
  /** Who asks: with impersonation, who they act as. */
  readonly userInfo?: { readonly username: string };
  readonly object?: unknown;
  /** As it was before. Absent where the object is created. */
  readonly oldObject?: unknown;
}

export interface AdmissionAnswer {
  readonly allowed: boolean;
  readonly patch?: readonly PatchOperation[];
  readonly warnings?: readonly string[];
  /** Why the request is not allowed. */
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
}

const ajv = new Ajv();
const texts = { type: 'object', additionalProperties: { type: 'string' } };
const list = (items: object) => ({ type: 'array', items: { type: 'object', ...items } });
const reference = { type: 'object', properties: fields('name') };
const user = { type: 'object', properties: { runAsUser: { type: 'integer' } } };
const containers = list({
  required: ['name'],
  properties: {
    ...fields('name', 'image', 'restartPolicy'),
    env: list({
      required: ['name'],
      properties: {
        ...fields('name', 'value'),
        valueFrom: { type: 'object', properties: { secretKeyRef: reference } },
      },
    }),
    envFrom: list({ properties: { secretRef: reference } }),
    ports: list({
      required: ['containerPort'],
      properties: { containerPort: { type: 'integer' }, protocol: { type: 'string' } },
    }),
    resources: { type: 'object', properties: { limits: { type: 'object' } } },
    securityContext: user,
    volumeMounts: list({ required: ['name'], properties: fields('name', 'mountPath') }),
  },
});
const volumes = list({
  required: ['name'],
  properties: {
    ...fields('name'),
    secret: { type: 'object', properties: fields('secretName') },
    emptyDir: { type: 'object', properties: fields('sizeLimit') },
    projected: { type: 'object', properties: { sources: list({ properties: { secret: reference } }) } },
    csi: { type: 'object', properties: { nodePublishSecretRef: reference } },
    flexVolume: { type: 'object', properties: { secretRef: reference } },
  },
});

const isReview = ajv.compile<{ request: AdmissionRequest }>({
  type: 'object',
  required: ['apiVersion', 'kind', 'request'],
  properties: {
    apiVersion: { const: 'admission.k8s.io/v1' },
    kind: { const: 'AdmissionReview' },
    request: {
      type: 'object',
      required: ['uid', 'operation', 'kind'],
      properties: {
        uid: { type: 'string', minLength: 1 },
        operation: { type: 'string' },
        kind: {
          type: 'object',
          required: ['group', 'kind'],
          properties: { group: { type: 'string' }, kind: { type: 'string' } },
        },
        subResource: { type: 'string' },
        namespace: { type: 'string' },
        dryRun: { type: 'boolean' },
        userInfo: { type: 'object', required: ['username'], properties: { username: { type: 'string' } } },
      },
    },
  },
});

const isPod = ajv.compile<Pod>({
  type: 'object',
  required: ['metadata', 'spec'],
  properties: {
    metadata: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        generateName: { type: 'string' },
        namespace: { type: 'string' },
        labels: texts,
        annotations: texts,
        ownerReferences: {
          type: 'array',
          items: {
            type: 'object',
            required: ['apiVersion', 'kind', 'name', 'uid'],
            properties: { ...fields('apiVersion', 'kind', 'name', 'uid'), controller: { type: 'boolean' } },
          },
        },
      },
    },
    spec: {
      type: 'object',
      required: ['containers'],
      properties: {
        containers,
        initContainers: containers,
        ephemeralContainers: containers,
        volumes,
        imagePullSecrets: { type: 'array', items: reference },
        securityContext: user,
        hostNetwork: { type: 'boolean' },
        hostPID: { type: 'boolean' },
        shareProcessNamespace: { type: 'boolean' },
        os: { type: 'object', required: ['name'], properties: fields('name') },
        nodeSelector: texts,
        terminationGracePeriodSeconds: { type: 'integer' },
      },
    },
  },
});

function fields(...names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
}

/** @returns an error message where the body is not an AdmissionReview of version v1 */
export function parseAdmissionReview(body: string): AdmissionRequest | string {
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch {
    return 'The body is not JSON.';
  }
  return isReview(review) ? review.request : `The body is not an AdmissionReview: ${describe(isReview.errors)}`;
}

/** @returns an error message where the object is not a pod */
export function parsePod(object: unknown): Pod | string {
  return isPod(object) ? object : `The object is not a pod: ${describe(isPod.errors)}`;
}

/** Makes the AdmissionReview that answers a request. */
export function toAdmissionReview(uid: string, { patch = [], warnings = [], ...answer }: AdmissionAnswer): object {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      ...answer,
      ...(warnings.length > 0 && { warnings }),
      ...(patch.length > 0 && {
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
      }),
    },
  };
}

function describe(errors: readonly ErrorObject[] | null | undefined): string {
  const [error] = errors ?? [];
  return `${error?.instancePath || '/'} ${error?.message ?? 'is wrong'}`;
}
