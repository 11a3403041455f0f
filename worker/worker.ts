import { EventEmitter } from 'node:events';
import { totalmem } from 'node:os';
import { type Job, Logger as JobLogger, parseCronItems, run, type WorkerPool } from 'graphile-worker';
import type { Logger } from 'pino';
import { giveUpJob, jobsSchema, keepAttempt, listWaitingOrganizations, readTaskDepths } from '../database/jobs.ts';
import { readReviewDepths } from '../database/reviews/depths.ts';
import { makeStallWatch } from '../proxy/calls/receive/stall-watch.ts';
import { makeMetrics } from '../proxy/calls/settle/metrics.ts';
import type { EgressSettings } from '../proxy/egress/settings.ts';
import type { HttpClientName } from '../proxy/egress/upstream.ts';
import { defaultMaxInFlightBytes, makeInFlight } from '../proxy/in-flight.ts';
import type { LevelSwitch } from '../proxy/logs/level-switch.ts';
import { closeMonitoring, openMonitoring } from '../proxy/monitoring.ts';
import { refreshGauges } from '../proxy/refresh-gauges.ts';
import type { DefaultUrls } from '../proxy/snapshot/open-provider.ts';
import type { ProcessTracer, ProcessTracerOptions } from '../traces/process-tracer.ts';
import type { TraceEnvironment } from '../traces/settings.ts';
import { type Chore, chores, runChore } from './chores.ts';
import { makeDeadJobs } from './dead-jobs.ts';
import { endJobs } from './end-jobs.ts';
import { makeFetchOrder } from './fetch-order.ts';
import { type Heartbeat, startHeartbeat } from './heartbeat.ts';
import { describeFailure } from './job-error.ts';
import { choreNameOf, jobNameOf, taskOf } from './job-name.ts';
import { makeKnowledgeMetrics } from './knowledge/metrics.ts';
import { followLogin, openPool } from './login.ts';
import { makeWorkerMetrics } from './metrics.ts';
import { beginAttempt, type Outcome } from './observe.ts';
import { makeOrganizations, type Organizations } from './organizations.ts';
import { makePatientPool } from './patient-pool.ts';
import { startRounds } from './rounds.ts';
import { type JobPayload, makeRunTask, writeFailure } from './run-task.ts';
import type { Task } from './task.ts';
import { tasks as allTasks } from './tasks.ts';
import { makeTurns } from './turns.ts';
import { makeWebhookMetrics } from './webhooks/metrics.ts';

export interface WorkerOptions extends DefaultUrls {
  /** URL with the workers' login, until a new one is handed out. It needs a session, so not by a pooler that shares connections by transaction. */
  readonly databaseUrl: string;
  /** Has the file `<id>.json` with the credentials of each organization, and `database-url` with the login. */
  readonly credentialsDirectory: string;
  /** Holds a spool for each organization. It must survive restarts. */
  readonly dataDirectory: string;
  readonly metricsHost: string;
  readonly metricsPort: number;
  /** How many jobs run at once. Absent: 16. Most of the time, a job waits for a provider. */
  readonly concurrency?: number;
  /** How long running jobs may take to end when the worker stops. */
  readonly graceMs?: number;
  /** Others take over the jobs of a worker that is silent for longer. Absent: 15 s. */
  readonly silenceMs?: number;
  readonly dataLimitBytes?: number;
  readonly egress?: EgressSettings;
  readonly httpClient?: HttpClientName;
  readonly version?: string;
  /** What the environment says about traces. Absent: nothing. */
  readonly traces?: TraceEnvironment | undefined;
  /** Absent: all that there are. */
  readonly tasks?: Readonly<Record<string, Task>>;
  readonly log: Logger;
  /** Sets the level of `log`, and of those of the organizations. Absent: they stay as they are. */
  readonly levels?: LevelSwitch | undefined;
}

export interface RunningWorker {
  readonly metricsPort: number;
  /** Rejects where the worker cannot go on; resolves once it is stopped. */
  readonly ended: Promise<void>;
  /** Takes no more jobs, lets those that run end, gives back the others, and ships all records. */
  stop(): Promise<void>;
}

const defaultConcurrency = 16;
const defaultSilenceMs = 15_000;
const defaultGraceMs = 20_000;
/** How soon a job is noticed whose notification was lost. */
const pollMs = 2_000;
const roundMs = 2_000;
const depthMs = 5_000;

/**
 * Starts a worker and resolves when it takes jobs.
 *
 * @throws where the database refuses the login, or the port is taken; then nothing stays open
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { log, tasks = allTasks, concurrency = defaultConcurrency } = options;
  const metrics = makeMetrics({ version: options.version, component: 'worker' });
  const jobMetrics = makeWorkerMetrics(metrics.registry);
  const inFlight = makeInFlight(defaultMaxInFlightBytes(process.constrainedMemory(), totalmem()), () => {});
  let isStopping = false;
  let isReady = false;
  let organizations: Organizations | undefined;

  // Released in the reverse order, also where one of the next steps throws.
  await using opened = new AsyncDisposableStack();
  const monitoring = opened.adopt(
    await openMonitoring({
      host: options.metricsHost,
      port: options.metricsPort,
      registry: metrics.registry,
      refresh: () => refreshGauges(metrics, organizations?.opened() ?? [], inFlight),
      notReady: () => (isStopping ? 'stopping' : isReady ? undefined : 'the database cannot be used yet'),
    }),
    closeMonitoring,
  );
  const login = opened.adopt(followLogin(options), (it) => it.stop());
  const db = opened.adopt(openPool(login, log), (it) => it.end());
  let heartbeat: Heartbeat | undefined;
  // After the last records: the calls of a worker that has left, and that have none, would be given up.
  opened.defer(() => heartbeat?.stop());
  organizations = opened.adopt(
    makeOrganizations({
      ...options,
      inFlight,
      metrics,
      stalls: makeStallWatch(30_000),
      onOpen: (count) => jobMetrics.openOrganizations.set(count),
    }),
    (it) => it.close(),
  );
  await organizations.recover();

  const tracer = await openTracer(options, (result, spans) => metrics.spans.inc({ result }, spans));
  if (tracer) opened.adopt(tracer, (it) => it.close());
  const turns = makeTurns(concurrency);
  const fetches = makeFetchOrder();
  const worker = {
    egress: options.egress,
    webhooks: makeWebhookMetrics(metrics.registry),
    knowledge: makeKnowledgeMetrics(metrics.registry),
  };
  let jobPool: WorkerPool | undefined;
  const work = makeRunTask({ organizations, inFlight, worker, workerId: () => jobPool?.id ?? '', log });
  const stopSignal = new AbortController();
  const queueEnd = new AbortController();
  const events = new EventEmitter();
  events.on('pool:create', ({ workerPool }: { workerPool: WorkerPool }) => {
    jobPool = workerPool;
    heartbeat = startHeartbeat({
      ...{ db, workerId: workerPool.id, silenceMs: options.silenceMs ?? defaultSilenceMs, log },
      onTakenOver: (jobs) => jobMetrics.takenOver.inc(jobs),
    });
  });
  const attempt = async (name: string, task: Task, job: Job) => {
    const payload = job.payload as JobPayload;
    const signal = AbortSignal.any([stopSignal.signal, ...(heartbeat ? [heartbeat.signal()] : [])]);
    const isLast = job.attempts >= job.max_attempts;
    const observe = beginAttempt(jobMetrics, name);
    const traced = tracer?.begin();
    const ends = (outcome: Outcome, error?: string) => {
      observe(outcome);
      traced?.end(`job ${name}`, 'consumer', attributesOf(name, job, payload, outcome, error), error);
    };
    turns.begin(payload.organization);
    fetches.leave();
    try {
      await work.run(task, payload, {
        ...{ jobId: job.id, task: name, number: job.attempts, isLast, signal },
        traceParent: traced?.traceParent(),
      });
      ends('completed');
    } catch (error) {
      const { code, isFinal } = describeFailure(error);
      // A new organization's credentials reach a pod a minute or two after its first jobs.
      const isKept = code === 'organization_unavailable' && (await keepAttempt(db, job.id, jobPool?.id ?? ''));
      const isDead = !isKept && (isFinal || isLast);
      ends(isDead ? 'dead' : 'failed', code);
      log[isDead ? 'error' : 'warn'](
        { err: error, task: name, job: job.id, attempt: job.attempts, code, traceId: traced?.traceId },
        'a job has failed',
      );
      if (isFinal) await giveUpJob(db, job.id, jobPool?.id ?? '');
      // Only our own words are stored: the error may quote what somebody said.
      throw new Error(writeFailure(error));
    } finally {
      turns.end(payload.organization);
    }
  };
  const attemptChore = async (name: string, chore: Chore, job: Job) => {
    fetches.leave();
    const observe = beginAttempt(jobMetrics, name);
    try {
      await runChore(chore, login.databaseUrl(), {
        log,
        onRemoved: (what, rows) => jobMetrics.removed.inc({ what }, rows),
        onResolved: (conversations) => jobMetrics.resolved.inc(conversations),
        onExpired: (answers) => jobMetrics.expired.inc(answers),
      });
      observe('completed');
    } catch (error) {
      observe(job.attempts >= job.max_attempts ? 'dead' : 'failed');
      log.warn({ err: error, task: name, job: job.id }, 'a chore has failed');
      throw new Error(writeFailure(error));
    }
  };
  const runner = await run({
    pgPool: makePatientPool({ pool: db, signal: queueEnd.signal, log }),
    schema: jobsSchema,
    concurrency,
    pollInterval: pollMs,
    noHandleSignals: true,
    events,
    logger: new JobLogger(() => (level, message) => void log.trace({ level }, message)),
    parsedCronItems: parseCronItems(
      Object.entries(chores).map(([name, { when }]) => ({
        ...{ task: choreNameOf(name), identifier: name, match: when },
        options: { jobKey: choreNameOf(name), maxAttempts: 3 },
      })),
    ),
    forbiddenFlags: async () => {
      await heartbeat?.ready();
      await fetches.enter();
      return turns.flags();
    },
    taskList: Object.fromEntries([
      ...Object.entries(tasks).map(([name, task]) => [
        jobNameOf(name),
        (_: unknown, { job }: { readonly job: Job }) => attempt(name, task, job),
      ]),
      ...Object.entries(chores).map(([name, chore]) => [
        choreNameOf(name),
        (_: unknown, { job }: { readonly job: Job }) => attemptChore(choreNameOf(name), chore, job),
      ]),
    ]),
  });
  const deadJobs = makeDeadJobs({ db, tasks, gaveUp: work.gaveUp, signal: stopSignal.signal, log });
  const rounds = opened.adopt(
    startRounds({
      periodMs: roundMs,
      log,
      async round() {
        if (turns.look(new Set(await listWaitingOrganizations(db)))) jobPool?.nudge(concurrency);
        isReady = true;
        await deadJobs.tell();
      },
    }),
    (it) => it.stop(),
  );
  opened.adopt(
    startRounds({
      periodMs: depthMs,
      log,
      async round() {
        jobMetrics.show((await readTaskDepths(db)).map((depth) => ({ ...depth, task: taskOf(depth.task) })));
        jobMetrics.showReviews(await readReviewDepths(db));
      },
    }),
    (it) => it.stop(),
  );
  events.on('job:failed', rounds.hurry);
  events.on('worker:getJob:error', fetches.leave);
  events.on('worker:getJob:empty', () => {
    fetches.leave();
    if (turns.someWait()) rounds.hurry();
  });
  // Jobs that are under way end before what they use is released.
  opened.defer(async () => {
    await endJobs(runner.stop(), stopSignal, options.graceMs ?? defaultGraceMs);
    queueEnd.abort();
  });
  await heartbeat?.ready();

  const running = opened.move();
  const address = monitoring.address();
  return {
    metricsPort: typeof address === 'object' && address !== null ? address.port : 0,
    ended: runner.promise.then(() => {
      if (!isStopping) throw new Error('The queue of jobs has ended by itself');
    }),
    async stop() {
      isStopping = true;
      await running.disposeAsync();
    },
  };
}

/** @returns undefined where the environment asks for no traces */
async function openTracer(
  { traces, version = 'unknown', log }: WorkerOptions,
  onResult: ProcessTracerOptions['onResult'],
): Promise<ProcessTracer | undefined> {
  if (!traces?.settings) return undefined;
  const { makeProcessTracer } = await import('../traces/process-tracer.ts');
  const onFailure = (reason: string) => log.warn({ reason }, 'traces do not reach their collector');
  return makeProcessTracer({ environment: traces, version, component: 'worker', onResult, onFailure });
}

function attributesOf(task: string, job: Job, { organization }: JobPayload, outcome: Outcome, error?: string) {
  return {
    'chaperone.task': task,
    'chaperone.job': job.id,
    'chaperone.job_attempt': job.attempts,
    'chaperone.outcome': outcome,
    'chaperone.organization_id': organization,
    'error.type': error,
  };
}
