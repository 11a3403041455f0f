import { once } from 'node:events';
import { type Checkpoints, openCheckpoints } from './checkpoints.ts';
import { type EpochsOptions, type Plan, planOf, runEpochs } from './epochs.ts';
import { makeLeaderExchange, makeMemberExchange, type Score } from './group/exchange.ts';
import { ConnectionLost, type Frames } from './group/frames.ts';
import { join, type Meeting, openMeeting } from './group/gather.ts';
import { makeClassifier } from './model/classifier.ts';
import { decodeState, encodeModel, encodeState } from './model/encode.ts';
import type { TrainingState } from './model/optimizer.ts';
import type { Report } from './report.ts';
import type { TrainerSettings } from './settings.ts';
import { readShard, type Shard } from './shard.ts';
import { readWhole, type Store } from './stores/store.ts';

export interface TrainContext {
  readonly settings: TrainerSettings;
  readonly store: Store;
  readonly report: Report;
  /** Aborted where the pod is to end: the first pod then writes a checkpoint. */
  readonly signal: AbortSignal;
}

interface Work extends TrainContext {
  readonly shard: Shard;
  readonly plan: Plan;
}

/** The first pod's. */
interface LeaderWork extends Work {
  readonly checkpoints: Checkpoints;
  readonly state: TrainingState;
  /** The last figures. */
  readonly metrics: Record<string, number>;
}

/** The files of a model in its folder. The second is written last, so it says that the job is done. */
export const modelFiles = { weights: 'model.bin', about: 'model.json' } as const;

/** What `model.json` says. */
export interface AboutModel {
  readonly format: string;
  readonly job_id: string;
  readonly labels: readonly string[];
  readonly training_examples: number;
  readonly validation_examples: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Trains as one pod of a job, and returns when the model is written. */
export async function train(context: TrainContext): Promise<void> {
  const { settings, store, report } = context;
  if (await isDone(context)) {
    report.say(`${settings.jobId} is done already`);
    return;
  }
  const shard = await readShard(store, settings);
  const plan = planOf(shard, settings.worldSize, settings.hyperparameters);
  const { trainingCount, validationCount, labels, training } = shard;
  report.say(
    `Pod ${settings.rank + 1} of ${settings.worldSize}: ${training.length} of ${trainingCount} examples, ${validationCount} for validation, ${labels.length} labels, ${plan.totalSteps} steps`,
  );
  const work = { ...context, shard, plan };
  await (settings.rank === 0 ? lead(work) : follow(work));
}

/** A pod that is replaced after the end of its job has nothing to do. */
async function isDone({ settings, store }: TrainContext): Promise<boolean> {
  const about = await readWhole(store, settings.modelOutputUri + modelFiles.about);
  return about !== undefined && (JSON.parse(about.toString()) as AboutModel).job_id === settings.jobId;
}

/** The first pod holds the state. Where another is lost, it waits for it, and all go on from the last whole step. */
async function lead(work: Work): Promise<void> {
  const { settings, store, report, signal, shard } = work;
  const { jobId, worldSize, master } = settings;
  const checkpoints = openCheckpoints(store, settings.checkpointUri, report);
  const state = (await checkpoints.load()) ?? startingState(shard, settings);
  const leading = { ...work, checkpoints, state, metrics: {} };
  const meeting = worldSize > 1 ? await openMeeting(jobId, worldSize, master.port) : undefined;
  try {
    while (!(await leadGroup(leading, (await meetAll(meeting, signal)) ?? [])));
  } finally {
    meeting?.close();
    if (signal.aborted) await checkpoints.save(state);
  }
}

async function meetAll(meeting: Meeting | undefined, signal: AbortSignal): Promise<readonly Frames[] | undefined> {
  const members = meeting && (await Promise.race([meeting.gather(), once(signal, 'abort').then(() => undefined)]));
  signal.throwIfAborted();
  return members;
}

/** @returns false where a pod was lost */
async function leadGroup(work: LeaderWork, members: readonly Frames[]): Promise<boolean> {
  const { state, report, signal } = work;
  try {
    const begin = encodeState(state);
    await Promise.all(members.map((member) => member.send('begin', begin)));
    await runEpochs({ ...leaderOptions(work), exchange: makeLeaderExchange(members) });
    await writeModel(work);
    await Promise.all(members.map((member) => finish(member)));
    return true;
  } catch (error) {
    for (const member of members) member.destroy();
    if (!(error instanceof ConnectionLost) || signal.aborted) throw error;
    report.say(`A pod is lost after step ${state.step} (${error.message}); waiting for it`);
    return false;
  }
}

/** Where a pod is gone already, it finds the model when it comes back. */
async function finish(member: Frames): Promise<void> {
  await member.send('done', Buffer.alloc(0)).catch(() => {});
  await member.end();
}

function leaderOptions(work: LeaderWork): Omit<EpochsOptions, 'exchange'> {
  const { settings, shard, plan, report, signal, checkpoints, state, metrics } = work;
  const { hyperparameters, rank } = settings;
  const { epochs, checkpointSeconds } = hyperparameters;
  const tell = () => {
    const { step } = state;
    const epoch = Math.min(epochs, Math.floor(Math.max(0, step - 1) / plan.stepsPerEpoch) + 1);
    const steps = { current_step: step, total_steps: plan.totalSteps };
    report.progress({ current_epoch: epoch, total_epochs: epochs, ...steps, metrics: { ...metrics } });
  };
  return {
    ...{ state, shard, plan, hyperparameters, rank },
    async onStep({ step, lossSum, lossExamples }) {
      if (lossExamples > 0) metrics.train_loss = round(lossSum / lossExamples);
      signal.throwIfAborted();
      if (checkpoints.ageMs() >= checkpointSeconds * 1_000) await checkpoints.save(state);
      if (step % plan.stepsPerEpoch !== 0) tell();
    },
    async onEpoch(_, trainLoss, score) {
      Object.assign(metrics, metricsOf(trainLoss, score));
      report.progressNow();
      tell();
      await checkpoints.save(state);
    },
  };
}

function metricsOf(trainLoss: number, { examples, correct, loss }: Score): Record<string, number> {
  if (examples === 0) return { train_loss: round(trainLoss) };
  return {
    train_loss: round(trainLoss),
    validation_loss: round(loss / examples),
    validation_accuracy: round(correct / examples),
  };
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

function startingState({ labels }: Shard, { hyperparameters }: TrainerSettings): TrainingState {
  const classifier = makeClassifier(labels, hyperparameters);
  const squares = new Float32Array(classifier.weights.length);
  return { classifier, squares, step: 0, evaluatedAt: 0, lossSum: 0, lossExamples: 0 };
}

async function writeModel({ settings, store, shard, report, state, metrics }: LeaderWork): Promise<void> {
  const { jobId, modelOutputUri } = settings;
  await store.write(modelOutputUri + modelFiles.weights, encodeModel(state.classifier));
  const about: AboutModel = {
    format: 'chaperone-text-classifier/1',
    job_id: jobId,
    labels: shard.labels,
    training_examples: shard.trainingCount,
    validation_examples: shard.validationCount,
    metrics,
  };
  await store.write(modelOutputUri + modelFiles.about, Buffer.from(`${JSON.stringify(about, null, 2)}\n`));
  report.say(`The model is at ${modelOutputUri}`);
}

/** Any other pod does what the first one says, and joins it again where it is lost. */
async function follow({ settings, shard, plan, report, signal }: Work): Promise<void> {
  const { master, jobId, rank, hyperparameters } = settings;
  for (;;) {
    const leader = await join(master, { jobId, rank });
    try {
      const state = decodeState(await leader.expect('begin'));
      const exchange = makeMemberExchange(leader);
      const onStep = () => signal.throwIfAborted();
      await runEpochs({ state, shard, plan, rank, hyperparameters, exchange, onStep, onEpoch: () => {} });
      await leader.expect('done');
      leader.destroy();
      return;
    } catch (error) {
      leader.destroy();
      if (!(error instanceof ConnectionLost) || signal.aborted) throw error;
      report.say(`The first pod is lost (${error.message}); joining it again`);
    }
  }
}
