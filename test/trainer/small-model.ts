import { makeClassifier } from '../../trainer/model/classifier.ts';
import { encodeModel } from '../../trainer/model/encode.ts';
import { featuresOf } from '../../trainer/model/features.ts';
import { gradientOf } from '../../trainer/model/gradient.ts';
import { applyGradient } from '../../trainer/model/optimizer.ts';
import { makeReviews } from './reviews.ts';

/** The bytes of a model that tells the labels of `makeReviews` apart. */
export function makeSmallModel(): Buffer {
  const labels = ['negative', 'neutral', 'positive'];
  const classifier = makeClassifier(labels, { wordNgrams: 2, featureBits: 14 });
  const squares = new Float32Array(classifier.weights.length);
  const state = { classifier, squares, step: 0, evaluatedAt: 0, lossSum: 0, lossExamples: 0 };
  const examples = makeReviews(300, 5).map(({ text, label }) => ({
    features: featuresOf(text, classifier),
    label: labels.indexOf(label),
  }));
  for (let from = 0; from < examples.length; from += 20) {
    applyGradient(state, gradientOf(classifier, examples.slice(from, from + 20)), { learningRate: 0.5, l2: 0 });
  }
  return encodeModel(classifier);
}
