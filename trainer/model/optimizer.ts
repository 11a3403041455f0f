import type { Classifier } from './classifier.ts';
import type { Gradient } from './gradient.ts';

/** What is learnt, and how far it is: all that a resumed job needs. */
export interface TrainingState {
  readonly classifier: Classifier;
  /** AdaGrad's sums of squared gradients, as the weights. */
  readonly squares: Float32Array;
  /** Steps that are done, from the beginning of the job. */
  step: number;
  /** The step after which the model was evaluated last. */
  evaluatedAt: number;
  /** Of the running epoch. */
  lossSum: number;
  lossExamples: number;
}

export interface OptimizerSettings {
  readonly learningRate: number;
  readonly l2: number;
}

/**
 * Applies one step of AdaGrad (Duchi, Hazan, Singer 2011) to the weights of the features that occur. Weights that do not
 * occur are not decayed either.
 */
export function applyGradient(state: TrainingState, gradient: Gradient, { learningRate, l2 }: OptimizerSettings): void {
  const { classifier, squares } = state;
  const { weights } = classifier;
  const labels = classifier.labels.length;
  const scale = 1 / Math.max(1, gradient.examples);
  gradient.indices.forEach((index, at) => {
    for (let label = 0; label < labels; label += 1) {
      const place = index * labels + label;
      const weight = weights[place] ?? 0;
      const slope = (gradient.values[at * labels + label] ?? 0) * scale + l2 * weight;
      const square = (squares[place] ?? 0) + slope * slope;
      squares[place] = square;
      weights[place] = weight - (learningRate * slope) / (Math.sqrt(square) + 1e-8);
    }
  });
  state.step += 1;
  state.lossSum += gradient.loss;
  state.lossExamples += gradient.examples;
}
