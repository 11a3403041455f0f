import type { RequestOptions } from '../options.ts';
import type { Transport } from '../transport.ts';

export interface AutoScaling {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Of the requested processor time, in percent. Absent: 70. */
  readonly targetUtilization?: number | undefined;
}

/** Quantities of Kubernetes, such as `500m` and `4Gi`. */
export interface ResourceRequirements {
  readonly cpu?: string | undefined;
  readonly memory?: string | undefined;
  readonly gpu?: string | undefined;
}

export interface DeployParams {
  /** `modelOutputUri` of a training job. */
  readonly modelUri: string;
  /** The `model` of calls to it. One of the same name gets the new model. */
  readonly deploymentName: string;
  readonly deploymentStrategy?: 'kubernetes' | undefined;
  readonly replicas?: number | undefined;
  readonly autoScaling?: AutoScaling | undefined;
  readonly resourceRequirements?: ResourceRequirements | undefined;
}

export interface Deployment {
  readonly deploymentId: string;
  readonly deploymentName: string;
  readonly status: 'CREATING' | 'IN_SERVICE' | 'UPDATING' | 'FAILED' | 'DELETING' | 'DELETED';
  /** What a person should know of the status. */
  readonly message: string | null;
  readonly endpoint: string;
  /** Within the cluster, for Prometheus. */
  readonly metricsEndpoint: string;
  readonly modelUri: string;
  readonly baseModel: string | null;
  readonly replicas: number;
  readonly readyReplicas: number;
  readonly autoScaling: { readonly [Bound in keyof AutoScaling]-?: number } | null;
  readonly resourceRequirements: ResourceRequirements;
  /** How often it was deployed. */
  readonly revision: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface DeploymentList {
  readonly deployments: readonly Deployment[];
  readonly total: number;
}

export interface Prediction {
  readonly label: string;
  /** Of the label, from 0 to 1. */
  readonly confidence: number;
  /** By label; they sum to one. */
  readonly scores: Readonly<Record<string, number>>;
}

export interface Predictions {
  readonly model: string;
  /** In the order of the texts. */
  readonly predictions: readonly Prediction[];
}

const root = '/ai/deployments';
const at = (idOrName: string) => `${root}/${encodeURIComponent(idOrName)}`;

/** Trained models that answer calls. */
export class Deployments {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Serves a trained model in the cluster. For admins. */
  deploy(params: DeployParams, options?: RequestOptions): Promise<Deployment> {
    return this.#transport.send({ method: 'POST', path: '/ai/deploy', body: params }, options);
  }

  /** Lists deployments by name. For analysts and admins. */
  list(options?: RequestOptions): Promise<DeploymentList> {
    return this.#transport.send({ method: 'GET', path: root }, options);
  }

  /** Gets a deployment by its id or name. For analysts and admins. */
  get(idOrName: string, options?: RequestOptions): Promise<Deployment> {
    return this.#transport.send({ method: 'GET', path: at(idOrName) }, options);
  }

  /** Ends the pods of a deployment. The model stays. For admins. */
  undeploy(idOrName: string, options?: RequestOptions): Promise<Deployment> {
    return this.#transport.send({ method: 'DELETE', path: at(idOrName) }, options);
  }

  /** Asks a deployed model about up to 2,048 texts, in one call of yours. */
  predict(deploymentName: string, texts: readonly string[], options?: RequestOptions): Promise<Predictions> {
    const path = `/ai/predict/${encodeURIComponent(deploymentName)}`;
    return this.#transport.send({ method: 'POST', path, body: { texts } }, options);
  }
}
