import type { RequestOptions } from '../options.ts';
import type { Transport } from '../transport.ts';

export interface TrainingParams {
  /** `customerai-classifier`, or a trainer of the organization. */
  readonly baseModel: string;
  /** `s3://…` or `pvc://…`, below a data store of the organization. */
  readonly trainingDataUri: string;
  readonly validationDataUri?: string | undefined;
  /** For the trainer. Names stay as they are. */
  readonly hyperparameters?: Readonly<Record<string, unknown>> | undefined;
  readonly instanceCount?: number | undefined;
  readonly instanceType?: string | undefined;
}

export type TrainingStatus = 'STARTING' | 'IN_PROGRESS' | 'CANCELLING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

export interface StartedTraining {
  readonly jobId: string;
  readonly status: TrainingStatus;
  /** By the jobs before, or `unknown`. */
  readonly estimatedTime: string;
  readonly modelOutputUri: string;
  readonly logsUri: string;
}

export interface TrainingJob {
  readonly jobId: string;
  readonly status: TrainingStatus;
  /** What a person should know of the status. */
  readonly message: string | null;
  readonly progress: {
    readonly currentEpoch: number;
    readonly totalEpochs: number;
    readonly currentStep: number;
    readonly totalSteps: number;
    /** Under the names that the trainer has given, such as `validation_accuracy`. */
    readonly metrics: Readonly<Record<string, number>>;
  };
  readonly estimatedCompletion: string | null;
  readonly baseModel: string;
  readonly trainingDataUri: string;
  readonly validationDataUri: string | null;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly instanceCount: number;
  readonly instanceType: string;
  readonly modelOutputUri: string;
  readonly logsUri: string;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

export interface TrainingFilter {
  readonly status?: TrainingStatus | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

export interface TrainingPage {
  /** The latest first. */
  readonly jobs: readonly TrainingJob[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
}

const at = (jobId: string) => `/ai/training-job/${encodeURIComponent(jobId)}`;
/** The trainer names its figures. */
const verbatim = ['metrics'];

/** Models that are trained in the cluster. */
export class TrainingJobs {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Trains a model on several pods. For admins. */
  start(params: TrainingParams, options?: RequestOptions): Promise<StartedTraining> {
    return this.#transport.send({ method: 'POST', path: '/ai/distributed-training', body: params }, options);
  }

  /** Says how far a job is. For analysts and admins. */
  get(jobId: string, options?: RequestOptions): Promise<TrainingJob> {
    return this.#transport.send({ method: 'GET', path: at(jobId), verbatim }, options);
  }

  /** Lists jobs, the latest first. For analysts and admins. */
  list(filter: TrainingFilter = {}, options?: RequestOptions): Promise<TrainingPage> {
    return this.#transport.send({ method: 'GET', path: '/ai/training-jobs', query: filter, verbatim }, options);
  }

  /** Ends the pods of a job. Its checkpoint stays. For admins. */
  cancel(jobId: string, options?: RequestOptions): Promise<TrainingJob> {
    return this.#transport.send({ method: 'POST', path: `${at(jobId)}/cancel`, verbatim }, options);
  }

  /** Reads the end of what the first pod of a job has printed. For analysts and admins. */
  logs(jobId: string, options?: RequestOptions): Promise<string> {
    return this.#transport.sendForText({ method: 'GET', path: `${at(jobId)}/logs` }, options);
  }
}
