import type { Logger } from 'pino';
import type { NewJob } from '../database/jobs.ts';
import type { Question, Reply } from '../proxy/calls/ask.ts';
import type { Call } from '../proxy/calls/call.ts';
import type { EgressSettings } from '../proxy/egress/settings.ts';
import type { Operation } from '../proxy/operations/operation.ts';
import type { JobFailure } from './job-error.ts';
import type { KnowledgeMetrics } from './knowledge/metrics.ts';
import type { WorkerOrganization } from './organizations.ts';
import type { WebhookMetrics } from './webhooks/metrics.ts';

/** A governed call that a task makes. */
export interface TaskQuestion {
  /** Which of the job's calls it is: the same in each attempt, such as `part-3`. At most 100 characters. */
  readonly step: string;
  readonly kind: Exclude<Call['kind'], 'call'>;
  /** What is asked for. Absent: a chat completion. */
  readonly operation?: Operation;
  /** For whom the call is made, by the external id. Undefined: for nobody in particular. */
  readonly user: string | undefined;
  /** The id of the user whose words it quotes, so that an erasure finds them. Absent: of nobody. */
  readonly quotes?: string;
  /** Absent: a new one. */
  readonly session?: string;
  /** The turn that the call belongs to. */
  readonly turn?: string;
  readonly body: Question['body'];
  /** What guardrails look at, at the places of the body. Absent: all of it. */
  readonly said?: Question['said'];
  /** Called with the text so far while it comes, at most five times a second. Guardrails of answers keep it to the end. */
  readonly onText?: (text: string) => void;
}

/** A call's answer. */
export interface TaskReply extends Pick<Reply, 'completion' | 'totalTokens' | 'costUsd'> {
  readonly requestId: string;
  /** Whether an earlier attempt made the call. */
  readonly isRepeated: boolean;
}

/** What the tasks of all organizations share. */
export interface TaskWorker {
  /** Forward proxies. Undefined: connections are direct. */
  readonly egress: EgressSettings | undefined;
  readonly webhooks: WebhookMetrics;
  readonly knowledge: KnowledgeMetrics;
}

/** What a task works with. */
export interface TaskContext {
  readonly worker: TaskWorker;
  /** Everything that a proxy of the organization holds, with its login to the database (`store`). */
  readonly organization: WorkerOrganization;
  readonly job: {
    readonly id: string;
    /** From 1. */
    readonly attempt: number;
    readonly isLastAttempt: boolean;
  };
  /** Aborted where the worker stops, or may no longer be the only one with this job. Pass it to whatever waits. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /**
   * Makes a call under the organization's rules, limits and budgets, with a record of its own. Where an earlier attempt
   * of the job has got an answer, that is returned and no call is made.
   *
   * @throws {ProxyError} as any call
   */
  ask(question: TaskQuestion): Promise<TaskReply>;
  /** Adds another job of the organization. */
  addJob(job: NewJob): Promise<string>;
}

/** What is done for an organization in the background. Each attempt may follow one that was killed at any moment. */
export interface Task {
  /**
   * Does the work.
   *
   * @param id the row that the job is about
   * @throws {JobError | ProxyError} where it failed; another attempt follows, unless the error is final
   */
  run(context: TaskContext, id: string): Promise<void>;
  /** Called when no further attempt follows. It may be called again where the worker dies in it. */
  gaveUp?(context: Omit<TaskContext, 'ask'>, id: string, failure: JobFailure): Promise<void>;
}
