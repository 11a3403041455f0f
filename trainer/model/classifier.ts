import { type FeatureSettings, type Features, featuresOf } from './features.ts';

/** A softmax regression: what it is made of. */
export interface Classifier extends FeatureSettings {
  readonly labels: readonly string[];
  /** For each feature, a weight for each label. */
  readonly weights: Float32Array;
}

export function makeClassifier(labels: readonly string[], settings: FeatureSettings): Classifier {
  const { wordNgrams, featureBits } = settings;
  return { labels, wordNgrams, featureBits, weights: new Float32Array(2 ** featureBits * labels.length) };
}

/** The probability of each label, in the order of the labels. They sum to one. */
export function probabilitiesOf({ labels, weights }: Classifier, { indices, values }: Features): Float64Array {
  const scores = new Float64Array(labels.length);
  for (let at = 0; at < indices.length; at += 1) {
    const row = (indices[at] ?? 0) * labels.length;
    const value = values[at] ?? 0;
    for (let label = 0; label < labels.length; label += 1) {
      scores[label] = (scores[label] ?? 0) + (weights[row + label] ?? 0) * value;
    }
  }
  const highest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
  const exponentials = scores.map((score) => Math.exp(score - highest));
  const sum = exponentials.reduce((total, one) => total + one, 0);
  return exponentials.map((one) => one / sum);
}

export interface Prediction {
  readonly label: string;
  /** Of the label, from 0 to 1. */
  readonly confidence: number;
  /** Of each label. */
  readonly scores: Readonly<Record<string, number>>;
}

export function predict(classifier: Classifier, text: string): Prediction {
  const probabilities = probabilitiesOf(classifier, featuresOf(text, classifier));
  const best = indexOfLargest(probabilities);
  return {
    label: classifier.labels[best] ?? '',
    confidence: probabilities[best] ?? 0,
    scores: Object.fromEntries(classifier.labels.map((label, at) => [label, probabilities[at] ?? 0])),
  };
}

/** The first of the largest. */
export function indexOfLargest(values: Float64Array): number {
  let best = 0;
  for (let at = 1; at < values.length; at += 1) if ((values[at] ?? 0) > (values[best] ?? 0)) best = at;
  return best;
}
