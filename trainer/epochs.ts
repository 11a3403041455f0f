import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange, Score } from './group/exchange.ts';
import { indexOfLargest, probabilitiesOf } from './model/classifier.ts';
import { gradientOf, type LabelledFeatures } from './model/gradient.ts';
import { applyGradient, type TrainingState } from './model/optimizer.ts';
import type { Hyperparameters } from './settings.ts';
import type { Shard } from './shard.ts';

/** How many steps there are. All pods agree on it. */
export interface Plan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
}

export function planOf({ trainingCount }: Shard, worldSize: number, { batchSize, epochs }: Hyperparameters): Plan {
  const largestShard = Math.ceil(trainingCount / worldSize);
  const stepsPerEpoch = Math.max(1, Math.ceil(largestShard / batchSize));
  return { stepsPerEpoch, totalSteps: stepsPerEpoch * epochs };
}

export interface EpochsOptions {
  readonly state: TrainingState;
  readonly shard: Shard;
  readonly plan: Plan;
  readonly rank: number;
  readonly hyperparameters: Hyperparameters;
  readonly exchange: Exchange;
  /** Called after each step. */
  readonly onStep: (state: TrainingState) => Promise<void> | void;
  /** Called after each epoch. */
  readonly onEpoch: (state: TrainingState, trainLoss: number, score: Score) => Promise<void> | void;
}

/**
 * Goes on with training from a state to the end of the last epoch. Each pod does the same steps with its own examples, so
 * all have the same weights after each step.
 */
export async function runEpochs(options: EpochsOptions): Promise<void> {
  const { state, shard, plan, hyperparameters, exchange } = options;
  const labels = shard.labels.length;
  let order: readonly LabelledFeatures[] = [];
  let orderedFor = -1;
  for (;;) {
    if (state.step % plan.stepsPerEpoch === 0 && state.step > state.evaluatedAt) {
      const score = await exchange.sumScores(scoreOf(state, shard.validation));
      const trainLoss = state.lossSum / Math.max(1, state.lossExamples);
      Object.assign(state, { evaluatedAt: state.step, lossSum: 0, lossExamples: 0 });
      await options.onEpoch(state, trainLoss, score);
      continue;
    }
    if (state.step >= plan.totalSteps) return;
    const epoch = Math.floor(state.step / plan.stepsPerEpoch);
    if (epoch !== orderedFor) order = shuffle(shard.training, [hyperparameters.seed, epoch, options.rank]);
    orderedFor = epoch;
    const from = (state.step % plan.stepsPerEpoch) * hyperparameters.batchSize;
    const own = gradientOf(state.classifier, order.slice(from, from + hyperparameters.batchSize));
    applyGradient(state, await exchange.sumGradients(own, labels), hyperparameters);
    await options.onStep(state);
    if (hyperparameters.stepDelayMs > 0) await delay(hyperparameters.stepDelayMs);
  }
}

export function scoreOf(
  { classifier }: Pick<TrainingState, 'classifier'>,
  examples: readonly LabelledFeatures[],
): Score {
  let correct = 0;
  let loss = 0;
  for (const { features, label } of examples) {
    const probabilities = probabilitiesOf(classifier, features);
    if (indexOfLargest(probabilities) === label) correct += 1;
    loss -= Math.log(Math.max(probabilities[label] ?? 0, 1e-15));
  }
  return { examples: examples.length, correct, loss };
}

/** The same order for the same seed: a resumed job goes on with the examples that it would have had. */
function shuffle<T>(items: readonly T[], seed: readonly number[]): readonly T[] {
  const random = makeRandom(seed.reduce((mixed, one) => Math.imul(mixed ^ one, 0x9e3779b1) + 0x7f4a7c15, 1));
  const shuffled = [...items];
  for (let at = shuffled.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    const item = shuffled[at] as T;
    shuffled[at] = shuffled[other] as T;
    shuffled[other] = item;
  }
  return shuffled;
}

/** mulberry32, by Tommy Ettinger: from 0 to below 1. */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
